//! A lab served for one test, with a plain HTTP client for it that knows nothing of this program.

#![allow(dead_code, clippy::unwrap_used, reason = "every test binary uses some of it, and may panic")]

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::{Response, header::HeaderMap};
use serde_json::{Value, json};
use syncready::lab::{Lab, Options, Scenario};

pub const READER: &str = "4ead4ead-0000-4000-8000-000000000009";
pub const PRODUCT: &str = "b1f0c0de-0000-4000-8000-00000000a991";
pub const SVC: &str = "5b1e0c1e-0000-4000-8000-00000000a001";
pub const GRAPH: &str = "graph.microsoft.com";
pub const OUTLOOK: &str = "outlook.office365.com";

/// A plain client for a lab.
pub fn client(lab: &Lab) -> reqwest::Client {
    // Another test of this binary may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let root = std::fs::read(lab.folder().join("ca.pem")).unwrap();
    let mut builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([reqwest::Certificate::from_pem(&root).unwrap()])
        .timeout(Duration::from_secs(5));
    for (from, to) in lab.connect_to() {
        if let Some(host) = from.strip_suffix(":443") {
            builder = builder.resolve(host, *to);
        }
    }
    builder.build().unwrap()
}

/// A lab with a client for it.
pub struct Bench {
    pub lab: Lab,
    pub http: reqwest::Client,
}

impl Bench {
    pub async fn new(world: &str, patch: &Value) -> Self {
        let text =
            format!("description = 'x'\nworld = '{world}'\nverdict = 'ready'\npatch = '''{patch}'''\n");
        Self::serve(&Scenario::parse("x", &text).unwrap()).await
    }

    pub async fn serve(scenario: &Scenario) -> Self {
        let lab = Lab::start(scenario, Options::default()).await.unwrap();
        Self { http: client(&lab), lab }
    }

    /// The URL with the port at which the lab serves the host.
    pub fn url(&self, host: &str, path: &str) -> String {
        format!("https://{host}:{}{path}", self.lab.connect_to()[&format!("{host}:443")].port())
    }

    pub async fn token(&self, form: &[(&str, &str)]) -> String {
        let url = self.url("login.microsoftonline.com", "/contoso.com/oauth2/v2.0/token");
        let answer: Value = self.http.post(url).form(form).send().await.unwrap().json().await.unwrap();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
    }

    /// An app's token for a host.
    pub async fn app(&self, client: &str, host: &str) -> String {
        let file = if client == READER { "reader-secret" } else { "app-secret" };
        let secret = self.secret(file);
        let scope = format!("https://{host}/.default");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", secret.as_str()),
            ("scope", scope.as_str()),
        ];
        self.token(&form).await
    }

    /// The service account's token for a host.
    pub async fn user(&self, scope: &str) -> String {
        let password = self.secret("account-password");
        let form = [
            ("grant_type", "password"),
            ("client_id", PRODUCT),
            ("username", "svc-sync@contoso.com"),
            ("password", password.as_str()),
            ("scope", scope),
        ];
        self.token(&form).await
    }

    pub fn secret(&self, file: &str) -> String {
        let path = self.lab.folder().join(file);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub async fn graph(&self, token: &str, path: &str) -> (u16, Value) {
        let answer = self.http.get(self.url(GRAPH, path)).bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub async fn post(&self, host: &str, token: &str, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.http.post(self.url(host, path)).bearer_auth(token).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    pub async fn cmdlet(&self, name: &str, parameters: Value) -> (u16, Value) {
        let token = self.app(READER, OUTLOOK).await;
        let body = json!({"CmdletInput": {"CmdletName": name, "Parameters": parameters}});
        self.post(OUTLOOK, &token, "/adminapi/beta/contoso.com/InvokeCommand", &body).await
    }

    pub async fn ews(&self, host: &str, authorization: &str, body: String) -> Soap {
        let request = self
            .http
            .post(self.url(host, "/EWS/Exchange.asmx"))
            .header("authorization", authorization)
            .header("content-type", "text/xml; charset=utf-8")
            .header("user-agent", "Product/1.0")
            .body(body);
        Soap::read(request.send().await.unwrap()).await
    }
}

/// An answer of EWS.
pub struct Soap {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Soap {
    pub async fn read(answer: Response) -> Self {
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Self { status, headers, text: answer.text().await.unwrap() }
    }

    /// Text of the first element of that local name.
    pub fn element(&self, name: &str) -> String {
        let document = roxmltree::Document::parse(&self.text).unwrap();
        let found = document.descendants().find(|node| node.tag_name().name() == name);
        found.and_then(|node| node.text()).unwrap_or_default().to_owned()
    }

    /// A named value of the message.
    pub fn value(&self, name: &str) -> String {
        let document = roxmltree::Document::parse(&self.text).unwrap();
        let found = document.descendants().find(|node| node.attribute("Name") == Some(name));
        found.and_then(|node| node.text()).unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub const NAMESPACES: &str = r#"xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages""#;

pub fn envelope(impersonated: &str, operation: &str) -> String {
    let header = match impersonated {
        "" => String::new(),
        address => format!(
            "<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>{address}</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>"
        ),
    };
    format!(
        "<?xml version=\"1.0\"?><soap:Envelope {NAMESPACES}><soap:Header><t:RequestServerVersion Version=\"Exchange2013_SP1\"/>{header}</soap:Header><soap:Body>{operation}</soap:Body></soap:Envelope>"
    )
}

pub fn get_folder(shape: &str, folders: &[&str]) -> String {
    let ids = folders.iter().map(|id| format!("<t:DistinguishedFolderId Id=\"{id}\"/>"));
    let ids = ids.collect::<Vec<_>>().concat();
    format!(
        "<m:GetFolder><m:FolderShape><t:BaseShape>{shape}</t:BaseShape></m:FolderShape><m:FolderIds>{ids}</m:FolderIds></m:GetFolder>"
    )
}

pub fn inbox(impersonated: &str) -> String {
    envelope(impersonated, &get_folder("IdOnly", &["inbox"]))
}

pub fn basic(password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("svc-sync@contoso.com:{password}")))
}
