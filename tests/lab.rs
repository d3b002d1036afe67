//! The lab, driven by clients that know nothing of it: it must answer as Microsoft's services do.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod support;

use std::{net::SocketAddr, time::Duration};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::op::ResponseCode,
};
use serde_json::Value;
use support::{PRODUCT, READER, client};
use syncready::lab::{Lab, Options, Scenario};

async fn lab(world: &str, patch: &str) -> Lab {
    let text = format!("description = 'x'\nworld = '{world}'\nverdict = 'ready'\npatch = '''{patch}'''\n");
    Lab::start(&Scenario::parse("x", &text).unwrap(), Options::default()).await.unwrap()
}

fn secret(lab: &Lab, name: &str) -> String {
    std::fs::read_to_string(lab.folder().join(name)).unwrap()
}

/// The URL with the port at which the lab serves it; the plain clients here cannot map ports.
fn at(lab: &Lab, host: &str, path: &str) -> String {
    format!("https://{host}:{}{path}", lab.connect_to()[&format!("{host}:443")].port())
}

async fn get(lab: &Lab, host: &str, path: &str) -> (u16, Value) {
    let answer = client(lab).get(at(lab, host, path)).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn token(lab: &Lab, form: &[(&str, &str)]) -> (u16, Value) {
    let url = at(lab, "login.microsoftonline.com", "/contoso.com/oauth2/v2.0/token");
    let answer = client(lab).post(url).form(form).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn password(lab: &Lab) -> (u16, Value) {
    let password = secret(lab, "account-password");
    let form = [
        ("grant_type", "password"),
        ("client_id", PRODUCT),
        ("username", "svc-sync@contoso.com"),
        ("password", password.as_str()),
        ("scope", "https://graph.microsoft.com/Calendars.ReadWrite offline_access"),
    ];
    token(lab, &form).await
}

fn code(answer: &(u16, Value)) -> i64 {
    assert_eq!(answer.1["access_token"], Value::Null);
    answer.1["error_codes"][0].as_i64().unwrap()
}

fn resolver(server: SocketAddr) -> TokioResolver {
    let mut connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
    for connection in &mut connections {
        connection.port = server.port();
    }
    let server = NameServerConfig::new(server.ip(), true, connections.to_vec());
    let config = ResolverConfig::from_parts(None, vec![], vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.timeout = Duration::from_millis(300);
    options.attempts = 0;
    builder.build().unwrap()
}

#[tokio::test]
async fn openid_metadata_leads_from_the_domain_to_the_tenant() {
    let lab = lab("online-delegated", "{}").await;
    let (status, body) =
        get(&lab, "login.microsoftonline.com", "/contoso.com/v2.0/.well-known/openid-configuration").await;
    assert_eq!(status, 200);
    assert_eq!(body["issuer"], "https://login.microsoftonline.com/0a0a0a0a-0000-4000-8000-000000000001/v2.0");
    assert_eq!(
        (&body["tenant_region_scope"], &body["msgraph_host"]),
        (&"NA".into(), &"graph.microsoft.com".into())
    );
}

#[tokio::test]
async fn an_unknown_domain_is_refused_as_documented() {
    let lab = lab("online-delegated", "{}").await;
    let (status, body) =
        get(&lab, "login.microsoftonline.com", "/contosso.com/v2.0/.well-known/openid-configuration").await;
    assert_eq!(
        (status, &body["error"], &body["error_codes"][0]),
        (400, &"invalid_tenant".into(), &90002.into())
    );
    let text = body["error_description"].as_str().unwrap();
    assert!(
        text.starts_with("AADSTS90002: ") && text.contains(" Trace ID: ") && text.contains(" Timestamp: ")
    );
}

#[tokio::test]
async fn the_realm_shows_federation() {
    let lab = lab(
        "online-delegated",
        r#"{"realms": {"contoso.com": {"account_type": "Federated", "auth_url": "https://sts.contoso.com/adfs/ls/"}}}"#,
    )
    .await;
    let host = "login.microsoftonline.com";
    let path = "/common/userrealm/svc-sync%40contoso.com?api-version=1.0";
    assert_eq!(get(&lab, host, path).await.1["account_type"], "Federated");
    let path = "/common/userrealm/svc-sync%40contoso.com?api-version=2.0";
    assert_eq!(get(&lab, host, path).await.1["AuthURL"], "https://sts.contoso.com/adfs/ls/");
    assert_eq!(code(&password(&lab).await), 50126);
}

#[tokio::test]
async fn a_secret_gets_a_token_and_a_wrong_one_does_not() {
    let lab = lab("online-graph-app", "{}").await;
    let held = secret(&lab, "reader-secret");
    let form = |secret| {
        [
            ("grant_type", "client_credentials"),
            ("client_id", READER),
            ("client_secret", secret),
            ("scope", "https://graph.microsoft.com/.default"),
        ]
    };
    let (status, body) = token(&lab, &form(held.as_str())).await;
    assert_eq!(status, 200);
    assert_eq!(body["access_token"].as_str().unwrap().split('.').count(), 3);
    let refused = token(&lab, &form("x")).await;
    assert_eq!((refused.0, code(&refused)), (401, 7_000_215));
}

#[tokio::test]
async fn a_password_gets_a_token_with_the_granted_scopes() {
    let lab = lab("online-delegated", "{}").await;
    let (status, body) = password(&lab).await;
    assert_eq!(status, 200, "{body}");
    assert!(body["scope"].as_str().unwrap().contains("https://graph.microsoft.com/Calendars.ReadWrite"));
    assert!(body["refresh_token"].as_str().unwrap().contains("canary"));
}

#[tokio::test]
async fn the_state_of_the_account_decides_the_refusal() {
    let cases = [
        (r#"{"users": {"svc": {"accountEnabled": false}}}"#, 50057),
        (r#"{"users": {"svc": null}}"#, 50034),
        (r#"{"users": {"svc": {"x": {"locked": true}}}}"#, 50053),
        (r#"{"users": {"svc": {"passwordProfile": {"forceChangePasswordNextSignIn": true}}}}"#, 50055),
        (r#"{"users": {"svc": {"x": {"per_user_mfa": "enforced", "methods": {"p": {}}}}}}"#, 50076),
        (r#"{"policies": {"security_defaults": true}}"#, 50079),
        (r#"{"service_principals": {"product": {"appRoleAssignmentRequired": true}}}"#, 50105),
        (r#"{"service_principals": {"product": {"x": {"oauth2_grants": {"admin": null}}}}}"#, 65001),
        (r#"{"service_principals": {"product": null}, "applications": {"product": null}}"#, 700_016),
        (r#"{"applications": {"product": {"isFallbackPublicClient": false}}}"#, 7_000_218),
        (r#"{"users": {"svc": {"x": {"token_error": {"code": 50072}}}}}"#, 50072),
    ];
    for (patch, wanted) in cases {
        assert_eq!(code(&password(&lab("online-delegated", patch).await).await), wanted, "{patch}");
    }
}

#[tokio::test]
async fn a_policy_that_blocks_is_named_in_the_claims() {
    let patch = r#"{"policies": {"conditional_access": {"p": {"id": "c0ffee00-0000-4000-8000-000000000001",
        "state": "enabled", "conditions": {"applications": {"includeApplications": ["All"]},
        "users": {"includeUsers": ["All"]}}, "grantControls": {"operator": "OR", "builtInControls": ["block"]}}}}}"#;
    let refused = password(&lab("online-delegated", patch).await).await;
    assert_eq!(code(&refused), 53003);
    let claims: Value = serde_json::from_str(refused.1["claims"].as_str().unwrap()).unwrap();
    assert_eq!(claims["access_token"]["capolids"]["values"][0], "c0ffee00-0000-4000-8000-000000000001");
}

#[tokio::test]
async fn a_session_ends_with_the_password_and_with_the_sign_in_frequency() {
    let frequency = r#"{"policies": {"conditional_access": {"p": {"id": "p", "state": "enabled",
        "conditions": {"applications": {"includeApplications": ["All"]}, "users": {"includeUsers": ["All"]}},
        "sessionControls": {"signInFrequency": {"value": 1, "type": "days", "isEnabled": true}}}}}}"#;
    let revoked = r#"{"users": {"svc": {"signInSessionsValidFromDateTime": "@now-1h"}}}"#;
    for (patch, wanted) in [(frequency, Some(70043)), (revoked, Some(50173)), ("{}", None)] {
        let text = format!(
            "description = 'x'\nworld = 'online-delegated'\nverdict = 'ready'\npatch = '''{patch}'''\n\
             config = '''[[account]]\nsubject = {{ kind = \"refresh-token\" }}'''\n"
        );
        let lab = Lab::start(&Scenario::parse("x", &text).unwrap(), Options::default()).await.unwrap();
        let held = secret(&lab, "refresh-token");
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", PRODUCT),
            ("refresh_token", held.as_str()),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let answer = token(&lab, &form).await;
        assert_eq!(answer.1["error_codes"][0].as_i64(), wanted, "{patch}");
    }
}

#[tokio::test]
async fn names_resolve_fail_and_stay_silent_as_the_world_says() {
    let patch = r#"{"hosts": {"graph.microsoft.com": {"dns": "servfail"},
        "outlook.office365.com": {"dns": "timeout"}, "login.microsoftonline.com": {"dns": "refused"}}}"#;
    let lab = lab("online-delegated", patch).await;
    let resolver = resolver(lab.dns());
    let found = resolver.lookup_ip("autodiscover.contoso.com.").await.unwrap();
    assert_eq!(found.iter().next().unwrap().to_string(), "127.0.0.1");
    let missing = resolver.lookup_ip("elsewhere.contoso.com.").await.unwrap_err();
    assert!(
        matches!(&missing, NetError::Dns(DnsError::NoRecordsFound(no)) if no.response_code == ResponseCode::NXDomain)
    );
    let broken = resolver.lookup_ip("graph.microsoft.com.").await.unwrap_err();
    assert!(format!("{broken:?}").contains("ServFail"), "{broken:?}");
    let silent = resolver.lookup_ip("outlook.office365.com.").await.unwrap_err();
    assert!(matches!(silent, NetError::Timeout), "{silent:?}");
}

#[tokio::test]
async fn certificates_have_the_fault_that_the_world_says() {
    for fault in ["untrusted", "expired", "not-yet-valid", "wrong-name"] {
        let patch = format!(r#"{{"hosts": {{"graph.microsoft.com": {{"tls": "{fault}"}}}}}}"#);
        let lab = lab("online-graph-app", &patch).await;
        let error = client(&lab).get(at(&lab, "graph.microsoft.com", "/")).send().await.unwrap_err();
        assert!(error.is_connect(), "{fault}: {error:?}");
        let other = client(&lab).get(at(&lab, "outlook.office365.com", "/")).send().await;
        assert!(other.is_ok(), "{fault}: {other:?}");
    }
}

#[tokio::test]
async fn ports_refuse_and_stay_silent() {
    let patch = r#"{"hosts": {"graph.microsoft.com": {"tcp": "refused"}, "outlook.office365.com": {"tcp": "silent"}}}"#;
    let lab = lab("online-graph-app", patch).await;
    let address = lab.connect_to()["graph.microsoft.com:443"];
    let refused = tokio::net::TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    let address = lab.connect_to()["outlook.office365.com:443"];
    let attempt = client(&lab).get(format!("https://outlook.office365.com:{}/", address.port()));
    assert!(attempt.timeout(Duration::from_millis(300)).send().await.unwrap_err().is_timeout());
}

#[tokio::test]
async fn a_fault_strikes_as_often_as_it_is_told() {
    let patch = r#"{"faults": {"busy": {"host": "login.microsoftonline.com", "times": 1, "status": 429,
        "headers": {"Retry-After": "1"}, "body": {}}}}"#;
    let lab = lab("online-delegated", patch).await;
    let metadata = "/contoso.com/v2.0/.well-known/openid-configuration";
    assert_eq!(get(&lab, "login.microsoftonline.com", metadata).await.0, 429);
    assert_eq!(get(&lab, "login.microsoftonline.com", metadata).await.0, 200);
    assert_eq!(lab.requests()[0].count, 2);
}

#[tokio::test]
async fn servers_show_the_clock_that_the_world_says() {
    let lab = lab("online-delegated", r#"{"clock_offset_seconds": 600}"#).await;
    let url = at(&lab, "login.microsoftonline.com", "/contoso.com/v2.0/.well-known/openid-configuration");
    let answer = client(&lab).get(url).send().await.unwrap();
    let shown = answer.headers()["date"].to_str().unwrap();
    let shown = jiff::fmt::rfc2822::parse(shown).unwrap().timestamp();
    let ahead = shown.as_second() - jiff::Timestamp::now().as_second();
    assert!((590..=600).contains(&ahead), "{ahead}");
}

#[tokio::test]
async fn autodiscover_routes_without_credentials() {
    let lab = lab("exchange-server", "{}").await;
    let path = "/autodiscover/autodiscover.json?Email=svc-sync@contoso.com&Protocol=Ews";
    let (status, body) = get(&lab, "autodiscover.contoso.com", path).await;
    assert_eq!((status, &body["Url"]), (200, &"https://mail.contoso.com/EWS/Exchange.asmx".into()));
    let url = at(&lab, "autodiscover.contoso.com", "/autodiscover/autodiscover.xml");
    let answer = client(&lab).post(url).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 401);
    assert_eq!(answer.headers().get_all("www-authenticate").iter().count(), 3);
}

#[tokio::test]
async fn the_configuration_holds_no_secret_and_its_files_are_private() {
    let lab = lab("online-delegated", "{}").await;
    assert!(!lab.config_toml().contains("canary"));
    let parsed: toml::Table = toml::from_str(lab.config_toml()).unwrap();
    assert_eq!(parsed["tenant"]["domain"].as_str(), Some("contoso.com"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(lab.folder()), 0o700);
        assert_eq!(mode(&lab.folder().join("account-password")), 0o600);
    }
    let folder = lab.folder().to_owned();
    drop(lab);
    assert!(!folder.exists());
}

#[tokio::test]
async fn broken_answers_are_broken_as_told() {
    let metadata = "/contoso.com/v2.0/.well-known/openid-configuration";
    for kind in ["reset", "truncated", "endless"] {
        let patch = format!(r#"{{"faults": {{"broken": {{"path": "/contoso.com/", "kind": "{kind}"}}}}}}"#);
        let lab = lab("online-delegated", &patch).await;
        let request = client(&lab).get(at(&lab, "login.microsoftonline.com", metadata));
        let answer = match request.timeout(Duration::from_millis(300)).send().await {
            Ok(answer) => answer.bytes().await.map(drop),
            Err(error) => Err(error),
        };
        assert!(answer.is_err(), "{kind}");
    }
    let patch = r#"{"faults": {"big": {"path": "/contoso.com/", "kind": "oversized", "bytes": 1000000}}}"#;
    let lab = lab("online-delegated", patch).await;
    let answer = client(&lab).get(at(&lab, "login.microsoftonline.com", metadata)).send().await.unwrap();
    assert!(answer.bytes().await.unwrap().len() >= 1_000_000);
}

async fn connect_through_proxy(lab: &Lab, target: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let config: toml::Table = toml::from_str(lab.config_toml()).unwrap();
    let proxy = config["network"]["proxy"].as_str().unwrap().trim_start_matches("http://").to_owned();
    let mut stream = tokio::net::TcpStream::connect(proxy).await.unwrap();
    stream
        .write_all(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut first = vec![0; 256];
    let length = stream.read(&mut first).await.unwrap();
    String::from_utf8_lossy(&first[..length]).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_proxy_answers_connect_as_the_world_says() {
    let patch = r#"{"proxy": {"connect": "open", "hosts": {"a.example": "authentication-required",
        "b.example": "forbidden", "c.example": "bad-gateway", "d.example": "reset"}}}"#;
    let lab = lab("online-graph-app", patch).await;
    let cases = [
        ("graph.microsoft.com:443", "HTTP/1.1 200 Connection established"),
        ("a.example:443", "HTTP/1.1 407 Proxy Authentication Required"),
        ("b.example:443", "HTTP/1.1 403 Forbidden"),
        ("c.example:443", "HTTP/1.1 502 Bad Gateway"),
        ("d.example:443", ""),
    ];
    for (target, wanted) in cases {
        assert_eq!(connect_through_proxy(&lab, target).await, wanted);
    }
}

#[tokio::test]
async fn the_web_host_of_the_domain_knows_no_exchange() {
    let lab = lab("exchange-server", "{}").await;
    let client = client(&lab);
    let front = client.get(at(&lab, "contoso.com", "/")).send().await.unwrap();
    let other = client.get(at(&lab, "contoso.com", "/autodiscover/autodiscover.xml")).send().await.unwrap();
    assert_eq!((front.status().as_u16(), other.status().as_u16()), (200, 404));
}
