//! Tokens that come from somebody else than the token endpoint: the machine's own identity in Azure, or
//! a program of the user's.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;

use super::{Outcome, Refusal, Token, TokenRequest};
use crate::{
    facts::{Exchange, Timings},
    wire::{Net, Request, Secret, command as program, json},
};

/// Programs sign in by themselves, which takes longer than a request.
const PROGRAM: Duration = Duration::from_secs(30);

/// Where an Azure resource gets tokens of its own identity.
#[derive(Debug, Clone)]
pub enum ManagedIdentity {
    /// Virtual machines: the metadata service.
    Machine,
    /// App Service, Functions, Automation and Container Apps.
    AppService {
        /// `IDENTITY_ENDPOINT`.
        endpoint: Url,
        /// `IDENTITY_HEADER`.
        header: Secret,
    },
}

impl ManagedIdentity {
    /// The request for a resource; an empty client id stands for the identity that the system assigned.
    pub(super) fn request(&self, resource: &str, client_id: &str) -> Request {
        let (url, version, name, value) = match self {
            Self::Machine => {
                let url = Url::parse("http://169.254.169.254/metadata/identity/oauth2/token");
                (url.expect("a URL"), "2018-02-01", "metadata", "true")
            }
            Self::AppService { endpoint, header } => {
                (endpoint.clone(), "2019-08-01", "x-identity-header", header.expose())
            }
        };
        let mut request = Request::get(url);
        request.url.query_pairs_mut().append_pair("api-version", version).append_pair("resource", resource);
        if !client_id.is_empty() {
            request.url.query_pairs_mut().append_pair("client_id", client_id);
        }
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(matches!(self, Self::AppService { .. }));
            request.headers.insert(HeaderName::from_static(name), value);
        }
        request
    }
}

/// Runs a program that prints a token, as it is or as JSON of the Azure CLI.
pub(super) async fn command(net: &Net, argv: &[String], request: &TokenRequest) -> (Exchange, Outcome) {
    let fill =
        |text: &String| text.replace("{resource}", request.resource()).replace("{tenant}", &request.tenant);
    let argv: Vec<String> = argv.iter().map(fill).collect();
    let at = jiff::Timestamp::now();
    let limit = PROGRAM.max(net.limits().request);
    let name = argv.first().cloned().unwrap_or_default();
    let printed = tokio::task::spawn_blocking(move || program::output(&argv, limit)).await;
    let printed = printed.unwrap_or_else(|_| Err("waiting for the program broke".into()));
    let outcome = match printed.and_then(|text| token(&text)) {
        Ok(token) => Outcome::Token(token),
        Err(text) => Outcome::Refused(Refusal { text: Some(json::clip(&text, 400)), ..Refusal::default() }),
    };
    let exchange = Exchange {
        method: "RUN".into(),
        url: name,
        ms: Timings::default(),
        at: at.to_string(),
        ..Exchange::default()
    };
    (exchange, outcome)
}

fn token(printed: &str) -> Result<Token, String> {
    let printed = printed.trim();
    if printed.starts_with('{') {
        let body =
            json::parse(printed.as_bytes()).map_err(|_| "the program printed broken JSON".to_owned())?;
        let names = ["accessToken", "access_token", "token"];
        let token = names.iter().find_map(|name| body.get(name).and_then(Value::as_str));
        return token.filter(|token| is_token(token)).map(Token::new).ok_or_else(no_token);
    }
    if is_token(printed) { Ok(Token::new(printed)) } else { Err(no_token()) }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn no_token() -> String {
    "the program printed no token".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_text_and_as_the_azure_cli_prints_it() {
        for printed in ["a.b.c\n", r#"{"accessToken": "a.b.c", "tenant": "t"}"#] {
            assert_eq!(token(printed).map(|token| token.secret.expose().to_owned()), Ok("a.b.c".into()));
        }
    }

    #[test]
    fn what_is_no_token_is_not_repeated() {
        for printed in ["", "please sign in first", r#"{"error": "please sign in"}"#, "{please"] {
            let said = token(printed).expect_err("no token");
            assert!(!said.contains("please"), "{said}");
        }
    }

    #[test]
    fn a_machine_asks_its_metadata_service() {
        let request = ManagedIdentity::Machine.request("https://graph.microsoft.com", "c-1");
        assert_eq!(
            request.url.as_str(),
            "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01\
             &resource=https%3A%2F%2Fgraph.microsoft.com&client_id=c-1"
        );
        assert_eq!(request.headers["metadata"], "true");
    }

    #[test]
    fn the_identity_header_is_not_printed() {
        let endpoint = Url::parse("http://127.0.0.1:41/msi/token").expect("url");
        let identity = ManagedIdentity::AppService { endpoint, header: Secret::new("hunter2") };
        let request = identity.request("https://graph.microsoft.com", "");
        assert!(!format!("{identity:?} {request:?}").contains("hunter2"));
        assert_eq!(
            request.url.as_str(),
            "http://127.0.0.1:41/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fgraph.microsoft.com"
        );
    }
}
