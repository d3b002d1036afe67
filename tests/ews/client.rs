//! The client: one question, and every way in which a server may answer it.

use std::fmt::Write;

use syncready::wire::Secret;
use syncready::wire::ews::{Client, Credential, Kind, Mailbox, Outcome, Proof, Unsendable};
use url::Url;

use super::stub::{HOST, Stub, bare_fault, detailed_fault, http, inbox, quirky};

const USER: &str = "svc-sync@contoso.com";
const OTHER: &str = "adele@contoso.com";

fn client(stub: &Stub, password: &str) -> Client {
    let credential = Credential::Basic { username: USER.into(), password: Secret::new(password) };
    let url = Url::parse(&format!("https://{HOST}/EWS/Exchange.asmx")).expect("a URL");
    Client::new(stub.net(), url, &credential).expect("sendable")
}

async fn own(answer: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> (Outcome, Stub) {
    let stub = Stub::start(move |_| answer()).await;
    let outcome = client(&stub, "right").open_inbox(&Mailbox::Own(USER.into())).await;
    (outcome, stub)
}

#[tokio::test]
async fn the_own_inbox_opens_whatever_the_prefixes() {
    let stub = Stub::start(quirky(USER, "right", OTHER)).await;
    let outcome = client(&stub, "right").open_inbox(&Mailbox::Own(USER.into())).await;
    assert_eq!((outcome.kind, outcome.status), (Kind::Ok, Some(200)));
    assert_eq!(outcome.server.expect("told").to_string(), "15.0.847.4040");
    let seen = stub.seen();
    assert_eq!(seen[0].line, "POST /EWS/Exchange.asmx HTTP/1.1");
    assert!(!seen[0].headers.contains_key("transfer-encoding"));
    assert_eq!(seen[0].headers["content-type"], "text/xml; charset=utf-8");
}

#[tokio::test]
async fn the_anchor_is_the_impersonated_mailbox() {
    let stub = Stub::start(quirky(USER, "right", OTHER)).await;
    let outcome = client(&stub, "right").open_inbox(&Mailbox::Impersonated(OTHER.into())).await;
    assert_eq!(outcome.kind, Kind::Ok);
    let seen = stub.seen();
    assert_eq!(seen[0].headers["x-anchormailbox"], OTHER);
    assert_eq!(seen[0].element("PrimarySmtpAddress"), Some(OTHER));
}

#[tokio::test]
async fn refused_self_impersonation_is_an_exchange_error() {
    let stub = Stub::start(quirky(USER, "right", OTHER)).await;
    let outcome = client(&stub, "right").open_inbox(&Mailbox::Impersonated(USER.into())).await;
    assert_eq!(outcome.kind, Kind::Error);
    assert_eq!(outcome.code.as_deref(), Some("ErrorImpersonateUserDenied"));
    assert_eq!(outcome.proof(), Proof::Accepted);
}

#[tokio::test]
async fn impersonating_nobody_is_an_exchange_error() {
    let stub = Stub::start(quirky(USER, "right", OTHER)).await;
    let outcome = client(&stub, "right").open_inbox(&Mailbox::Impersonated("ghost@contoso.com".into())).await;
    assert_eq!(outcome.code.as_deref(), Some("ErrorCannotFindUser"));
}

#[tokio::test]
async fn a_wrong_password_is_sent_once() {
    let stub = Stub::start(quirky(USER, "right", OTHER)).await;
    let outcome = client(&stub, "wrong").open_inbox(&Mailbox::Own(USER.into())).await;
    assert_eq!((outcome.kind, outcome.proof()), (Kind::Unauthorized, Proof::Refused));
    assert_eq!(outcome.challenges, ["negotiate", "ntlm", "basic"]);
    assert_eq!(stub.authenticated(), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_password() {
    let (outcome, stub) = own(|| {
        http("302 Found", &["Location: https://mail.contoso.com/owa/auth/logon.aspx?replaceCurrent=1"], b"")
    })
    .await;
    assert_eq!((outcome.kind, outcome.status), (Kind::NotSoap, Some(302)));
    assert!(outcome.text.expect("a text").contains("/owa/auth/logon.aspx"));
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn a_web_page_is_not_soap() {
    let page = b"<!DOCTYPE html><html><body>Sign in</body></html>";
    let (outcome, _stub) = own(|| http("200 OK", &["Content-Type: text/html"], page)).await;
    assert_eq!(outcome.kind, Kind::NotSoap);
    assert_eq!(outcome.text.as_deref(), Some("the answer is a web page"));
}

#[tokio::test]
async fn plain_text_garbage_and_nothing_are_not_soap() {
    for body in [&b"Service is up"[..], b"\x00\xff\xfe\x80", b"", b"{\"error\":1}"] {
        let (outcome, _stub) = own(move || http("200 OK", &[], body)).await;
        assert_eq!(outcome.kind, Kind::NotSoap, "{body:?}");
    }
}

#[tokio::test]
async fn a_policy_refusal_keeps_its_reason() {
    let reason = "X-EWS-POLICY-Reason: EWS is blocked by policy for this user or tenant";
    let (outcome, _stub) = own(move || http("403 Forbidden", &[reason], b"")).await;
    assert_eq!(outcome.kind, Kind::Forbidden);
    assert_eq!(outcome.policy_reason.as_deref(), Some("EWS is blocked by policy for this user or tenant"));
}

#[tokio::test]
async fn a_busy_server_is_asked_three_times() {
    let (outcome, stub) = own(|| detailed_fault("ErrorServerBusy", 1)).await;
    assert_eq!((outcome.kind, outcome.code.as_deref()), (Kind::Throttled, Some("ErrorServerBusy")));
    assert_eq!((stub.seen().len(), outcome.exchanges.len()), (3, 3));
}

#[tokio::test]
async fn a_server_that_wants_a_long_pause_is_not_asked_again() {
    let (outcome, stub) = own(|| detailed_fault("ErrorServerBusy", 300_000)).await;
    assert_eq!(outcome.kind, Kind::Throttled);
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn a_busy_server_without_http_error_is_throttling() {
    let stub = Stub::start(|seen| match seen.element("PrimarySmtpAddress") {
        Some(_) => inbox(),
        None => bare_fault("ErrorServerBusy"),
    })
    .await;
    let outcome = client(&stub, "right").open_inbox(&Mailbox::Own(USER.into())).await;
    assert_eq!((outcome.kind, outcome.status), (Kind::Throttled, Some(200)));
}

#[tokio::test]
async fn an_old_server_is_asked_in_its_own_version() {
    let stub = Stub::start(|seen| {
        let new = seen.body.contains("Exchange2013_SP1");
        if new { detailed_fault("ErrorInvalidServerVersion", 0) } else { inbox() }
    })
    .await;
    let outcome = client(&stub, "right").open_inbox(&Mailbox::Own(USER.into())).await;
    assert_eq!(outcome.kind, Kind::Ok);
    let versions = stub.seen().iter().filter(|seen| seen.body.contains("Exchange2010_SP2")).count();
    assert_eq!((versions, stub.seen().len()), (1, 2));
}

#[tokio::test]
async fn a_cut_off_answer_is_not_soap() {
    let half: Vec<u8> = inbox().into_iter().take(420).collect();
    let (outcome, _stub) = own(move || half.clone()).await;
    assert_eq!(outcome.kind, Kind::NotSoap);
}

#[tokio::test]
async fn a_cut_off_envelope_is_not_soap() {
    let body =
        b"<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><x ResponseClass='Succ";
    let (outcome, _stub) = own(|| http("200 OK", &[], body)).await;
    assert_eq!(outcome.kind, Kind::NotSoap);
}

#[tokio::test]
async fn an_entity_bomb_is_refused() {
    let mut bomb = String::from("<!DOCTYPE s [<!ENTITY a0 \"aaaaaaaaaa\">");
    for level in 1..12 {
        let inner = format!("&a{};", level - 1).repeat(10);
        write!(bomb, "<!ENTITY a{level} \"{inner}\">").expect("a string grows");
    }
    bomb.push_str("]><s>&a11;</s>");
    let (outcome, _stub) = own(move || http("200 OK", &[], bomb.as_bytes())).await;
    assert_eq!(outcome.kind, Kind::NotSoap);
    assert!(outcome.text.expect("a text").contains("document type"));
}

#[tokio::test]
async fn deep_nesting_is_refused() {
    let deep = "<a>".repeat(20_000);
    let (outcome, _stub) = own(move || http("200 OK", &[], deep.as_bytes())).await;
    assert_eq!(outcome.kind, Kind::NotSoap);
    assert!(outcome.text.expect("a text").contains("nested"));
}

#[tokio::test]
async fn an_endless_body_ends_at_the_bound() {
    let answer = || {
        let mut bytes = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<s>".to_vec();
        bytes.resize(1 << 20, b'x');
        bytes
    };
    let (outcome, _stub) = own(answer).await;
    assert_eq!(outcome.kind, Kind::NotSoap);
    assert!(outcome.text.expect("a text").contains("larger than"));
}

#[tokio::test]
async fn a_password_is_not_sent_in_the_clear() {
    let stub = Stub::start(|_| inbox()).await;
    let credential = Credential::Basic { username: USER.into(), password: Secret::new("right") };
    let url = Url::parse(&format!("http://{HOST}/EWS/Exchange.asmx")).expect("a URL");
    let refused = Client::new(stub.net(), url, &credential).expect_err("not https");
    assert_eq!(refused, Unsendable::PlainHttp);
}

#[tokio::test]
async fn a_server_that_echoes_the_password_does_not_get_it_into_the_outcome() {
    let stub = Stub::start(|seen| {
        let (_, password) = seen.basic().expect("a password");
        bare_fault(&format!("ErrorAccessDenied {password}"))
    })
    .await;
    let outcome = client(&stub, "correct-horse").open_inbox(&Mailbox::Own(USER.into())).await;
    assert_eq!(outcome.kind, Kind::Error);
    assert!(!format!("{outcome:?}").contains("correct-horse"));
}
