//! Signing in with a browser on this machine: an authorization code that comes back to a port of the
//! loopback interface, bound to this run by PKCE.

use std::{io, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest,
    rand::{SecureRandom, SystemRandom},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout, timeout_at},
};
use url::Url;

use super::{Proof, endpoint, first_sentence};
use crate::wire::{Secret, json};

/// More than this is no redirect of a browser.
const MAX_REQUEST: usize = 16 << 10;

/// Time that one connection may take.
const CONNECTION: Duration = Duration::from_secs(5);

const DONE: &str = "You are signed in. This window can be closed.";
const FAILED: &str = "Signing in failed; the program says why. This window can be closed.";
const NOT_OURS: &str = "This is not the sign-in that was begun.";

/// A sign-in that waits for the browser.
#[derive(Debug)]
pub struct Pending {
    /// What to open in the browser.
    pub url: Url,
    listener: TcpListener,
    redirect_uri: String,
    state: String,
    verifier: Secret,
}

/// Opens a port of the loopback interface and makes the address to open in the browser.
///
/// # Errors
///
/// When no port can be opened.
pub async fn begin(authority: &Url, tenant: &str, client_id: &str, scope: &str) -> io::Result<Pending> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let redirect_uri = format!("http://localhost:{}", listener.local_addr()?.port());
    let (state, verifier) = (random()?, random()?);
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
    let mut url = endpoint(authority, tenant, "authorize");
    url.query_pairs_mut()
        .append_pair("client_id", client_id)
        .append_pair("response_type", "code")
        .append_pair("redirect_uri", &redirect_uri)
        .append_pair("response_mode", "query")
        .append_pair("scope", scope)
        .append_pair("state", &state)
        .append_pair("prompt", "select_account")
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    Ok(Pending { url, listener, redirect_uri, state, verifier: Secret::new(verifier) })
}

fn random() -> io::Result<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("no random numbers"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

impl Pending {
    /// Waits for the browser to come back; an error says in words why it brought no code.
    ///
    /// # Errors
    ///
    /// When nobody signed in in time, or the sign-in service refused.
    pub async fn code(self, limit: Duration) -> Result<Proof, String> {
        let end = Instant::now() + limit;
        loop {
            let accepted = timeout_at(end, self.listener.accept()).await;
            let accepted = accepted.map_err(|_| format!("nobody signed in within {} s", limit.as_secs()))?;
            let Ok((mut stream, _)) = accepted else { continue };
            let Ok(Some(target)) = timeout(CONNECTION, request_target(&mut stream)).await else { continue };
            let read = self.read(&target);
            let page = match &read {
                Ok(Some(_)) => ("200 OK", DONE),
                Ok(None) => ("404 Not Found", NOT_OURS),
                Err(_) => ("200 OK", FAILED),
            };
            // The page is a courtesy: whether the browser takes it changes nothing.
            let _ = timeout(CONNECTION, answer(&mut stream, page)).await;
            if let Some(code) = read? {
                let (verifier, redirect_uri) = (self.verifier, self.redirect_uri);
                return Ok(Proof::AuthorizationCode { code, verifier, redirect_uri });
            }
        }
    }

    /// The code in what a browser asks for; `None`: it is not the sign-in that was begun here.
    fn read(&self, target: &str) -> Result<Option<Secret>, String> {
        let Ok(url) = Url::parse("http://localhost").and_then(|base| base.join(target)) else {
            return Ok(None);
        };
        let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value);
        if value("state").as_deref() != Some(self.state.as_str()) {
            return Ok(None);
        }
        if let Some(code) = value("code").filter(|code| !code.is_empty()) {
            return Ok(Some(Secret::new(code)));
        }
        let error = value("error").map_or_else(|| "no code came back".into(), |error| json::clip(&error, 60));
        let text = value("error_description").map(|text| first_sentence(&text)).unwrap_or_default();
        Err(format!("{error} {text}").trim().to_owned())
    }
}

/// What a connection asks for: the second word of its first line.
async fn request_target(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    while !read.windows(4).any(|window| window == b"\r\n\r\n") {
        if read.len() > MAX_REQUEST || stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
    let text = std::str::from_utf8(&read).ok()?;
    let mut words = text.lines().next()?.split(' ');
    (words.next() == Some("GET")).then(|| words.next().map(str::to_owned))?
}

async fn answer(stream: &mut TcpStream, (status, text): (&str, &str)) -> io::Result<()> {
    let body = format!("<!doctype html><title>syncready</title><p>{text}</p>");
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pending() -> Pending {
        let authority = Url::parse("https://login.microsoftonline.com").expect("url");
        begin(&authority, "contoso.com", "c", "s").await.expect("a port")
    }

    #[tokio::test]
    async fn only_the_sign_in_that_was_begun_counts() {
        let pending = pending().await;
        assert!(matches!(pending.read("/?code=abc&state=other"), Ok(None)));
        assert!(matches!(pending.read("/favicon.ico"), Ok(None)));
        let code = pending.read(&format!("/?code=abc&state={}", pending.state)).expect("read");
        assert_eq!(code.expect("a code").expose(), "abc");
    }

    #[tokio::test]
    async fn a_refusal_comes_back_in_words() {
        let pending = pending().await;
        let target = format!(
            "/?error=access_denied&error_description=AADSTS65004:+Declined.+Trace&state={}",
            pending.state
        );
        assert_eq!(pending.read(&target).expect_err("refused"), "access_denied AADSTS65004: Declined.");
    }

    #[tokio::test]
    async fn garbage_does_not_end_the_wait() {
        let pending = pending().await;
        let port = pending.listener.local_addr().expect("an address").port();
        let state = pending.state.clone();
        let waiting = tokio::spawn(pending.code(Duration::from_secs(20)));
        for text in ["\r\n\r\n".to_owned(), format!("GET /?code=x&state={state} HTTP/1.1\r\n\r\n")] {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connected");
            stream.write_all(text.as_bytes()).await.expect("sent");
            let mut answer = String::new();
            // The connection that brings garbage is dropped without an answer.
            let _ = stream.read_to_string(&mut answer).await;
        }
        let proof = waiting.await.expect("ended").expect("a code");
        assert!(matches!(proof, Proof::AuthorizationCode { code, .. } if code.expose() == "x"));
    }
}
