//! Every way to sign in, against the lab's sign-in service, which checks signatures, times, audiences and
//! codes as Microsoft documents.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use syncready::{
    lab::{Lab, Options, Scenario},
    wire::{
        Body, Net, NetConfig, ProxySetting, Request, Secret,
        certificate::AppKey,
        sign_in::{self, ManagedIdentity, Outcome, Proof, TokenRequest, browser, device_code},
    },
};
use url::Url;

const READER: &str = "4ead4ead-0000-4000-8000-000000000009";
const PRODUCT: &str = "b1f0c0de-0000-4000-8000-00000000a991";
const TENANT: &str = "0a0a0a0a-0000-4000-8000-000000000001";
const ISSUER: &str = "https://token.actions.contoso.example";

const BY_CERTIFICATE: &str = r#"
[reader]
sign_in = "client-certificate"
[[account]]
subject = { kind = "client-certificate" }
"#;

struct Bench {
    lab: Lab,
    net: Net,
}

impl Bench {
    async fn new(patch: &Value, config: &str) -> Self {
        let text = format!(
            "description = 'x'\nworld = 'online-graph-app'\nverdict = 'ready'\nconfig = '''{config}'''\npatch = '''{patch}'''\n"
        );
        let lab = Lab::start(&Scenario::parse("x", &text).unwrap(), Options::default()).await.unwrap();
        let split = |(from, to): (&String, &std::net::SocketAddr)| {
            let (host, port) = from.rsplit_once(':').unwrap();
            ((host.to_owned(), port.parse().unwrap()), *to)
        };
        let net = Net::new(NetConfig {
            dns: Some(lab.dns()),
            ca_file: Some(lab.folder().join("ca.pem")),
            connect_to: lab.connect_to().iter().map(split).collect(),
            proxy: ProxySetting::Direct,
            ..NetConfig::default()
        });
        Self { net: net.unwrap(), lab }
    }

    fn key(&self, name: &str) -> AppKey {
        let pem = std::fs::read(self.lab.folder().join(format!("{name}.pem"))).unwrap();
        AppKey::from_pem(&pem, &pem).unwrap()
    }

    async fn ask(&self, client_id: &str, proof: Proof) -> Outcome {
        sign_in::token(&self.net, &request(TENANT, client_id, proof)).await.outcome
    }

    /// Fills in a page of the sign-in service as the reader's person.
    async fn fill_in(&self, url: &Url, more: &[(&str, &str)]) -> (u16, Option<String>) {
        let password = self.lab.world().text("/users/reader/x/password").unwrap();
        let mut form = vec![("login", "reader@contoso.onmicrosoft.com"), ("passwd", password)];
        form.extend(more);
        let form = form.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let answer = self.net.send(Request::post(url.clone(), Body::Form(form))).await.outcome.unwrap();
        let location = answer.headers.get("location").map(|value| value.to_str().unwrap().to_owned());
        (answer.status.as_u16(), location)
    }
}

fn authority() -> Url {
    Url::parse("https://login.microsoftonline.com").unwrap()
}

fn request(tenant: &str, client_id: &str, proof: Proof) -> TokenRequest {
    let scope = "https://graph.microsoft.com/.default".to_owned();
    TokenRequest { authority: authority(), tenant: tenant.into(), client_id: client_id.into(), scope, proof }
}

fn page() -> Url {
    authority().join("/common/oauth2/deviceauth").unwrap()
}

fn code(outcome: &Outcome) -> Option<i64> {
    match outcome {
        Outcome::Refused(refusal) => refusal.code,
        other => panic!("not refused: {other:?}"),
    }
}

fn token(outcome: Outcome) -> sign_in::Token {
    match outcome {
        Outcome::Token(token) => token,
        other => panic!("no token: {other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_gets_a_token() {
    let bench = Bench::new(&json!({}), BY_CERTIFICATE).await;
    for (client, name) in [(PRODUCT, "app"), (READER, "reader")] {
        let claims = token(bench.ask(client, Proof::Certificate(bench.key(name))).await).claims.unwrap();
        assert_eq!((claims.app_id.as_deref(), claims.identity_kind), (Some(client), Some("app")));
    }
}

#[tokio::test]
async fn an_assertion_names_the_tenant_by_its_id() {
    let bench = Bench::new(&json!({}), BY_CERTIFICATE).await;
    let by_domain = request("contoso.com", PRODUCT, Proof::Certificate(bench.key("app")));
    assert_eq!(code(&sign_in::token(&bench.net, &by_domain).await.outcome), Some(700_023));
}

#[tokio::test]
async fn a_certificate_that_the_app_does_not_hold_is_refused() {
    let bench = Bench::new(&json!({}), BY_CERTIFICATE).await;
    assert_eq!(code(&bench.ask(PRODUCT, Proof::Certificate(bench.key("reader"))).await), Some(700_027));
}

#[tokio::test]
async fn a_certificate_that_has_ended_is_refused() {
    let bench = Bench::new(&json!({ "certificates": { "app": { "ends": -2 } } }), BY_CERTIFICATE).await;
    let outcome = bench.ask(PRODUCT, Proof::Certificate(bench.key("app"))).await;
    assert_eq!(code(&outcome), Some(700_027));
    assert!(format!("{outcome:?}").contains("expired"), "{outcome:?}");
}

#[tokio::test]
async fn a_clock_that_differs_shows_in_the_assertion() {
    for offset in [600, -600] {
        let bench = Bench::new(&json!({ "clock_offset_seconds": offset }), BY_CERTIFICATE).await;
        let outcome = bench.ask(PRODUCT, Proof::Certificate(bench.key("app"))).await;
        assert_eq!(code(&outcome), Some(700_024), "{offset}");
    }
}

#[tokio::test]
async fn a_signature_that_was_changed_is_refused() {
    let bench = Bench::new(&json!({}), BY_CERTIFICATE).await;
    let audience = format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token");
    let good = bench.key("app").assertion(PRODUCT, &audience, jiff::Timestamp::now());
    assert!(matches!(bench.ask(PRODUCT, Proof::Assertion(good.clone())).await, Outcome::Token(_)));
    let (message, _) = good.expose().rsplit_once('.').unwrap();
    let forged = Secret::new(format!("{message}.{}", "A".repeat(342)));
    assert_eq!(code(&bench.ask(PRODUCT, Proof::Assertion(forged)).await), Some(700_027));
}

#[tokio::test]
async fn a_federated_credential_must_name_issuer_and_subject() {
    let known = json!({ "applications": { "reader": { "x": { "federated": { "ci": {
        "issuer": ISSUER, "subject": ISSUER, "audience": "api://AzureADTokenExchange" } } } } } });
    let bench = Bench::new(&known, BY_CERTIFICATE).await;
    let issued = |issuer: &str, audience: &str| {
        Proof::Assertion(bench.key("app").assertion(issuer, audience, jiff::Timestamp::now()))
    };
    let good = issued(ISSUER, "api://AzureADTokenExchange");
    assert!(matches!(bench.ask(READER, good).await, Outcome::Token(_)));
    assert_eq!(
        code(&bench.ask(READER, issued("https://elsewhere", "api://AzureADTokenExchange")).await),
        Some(700_211)
    );
    assert_eq!(code(&bench.ask(READER, issued(ISSUER, "api://other")).await), Some(700_212));
}

#[tokio::test]
async fn an_app_in_azure_gets_a_token_of_its_own() {
    let patch = json!({
        "hosts": { "127.0.0.1": { "service": "managed-identity", "http": true } },
        "identity_header": "canary-identity-header",
        "service_principals": { "machine": {
            "id": "5ca1ab1e-0000-4000-8000-0000000000aa", "appId": "3ac41e00-0000-4000-8000-0000000000aa",
            "displayName": "sync-vm", "servicePrincipalType": "ManagedIdentity", "accountEnabled": true,
            "x": { "app_role_assignments": { "user": { "resource": "graph", "permission": "User.Read.All" } } } } },
    });
    let bench = Bench::new(&patch, "").await;
    let endpoint = format!("http://{}/msi/token", bench.lab.connect_to()["127.0.0.1:80"]);
    let identity = |header: &str| {
        let (endpoint, header) = (Url::parse(&endpoint).unwrap(), Secret::new(header));
        Proof::ManagedIdentity(ManagedIdentity::AppService { endpoint, header })
    };
    let own = token(bench.ask("", identity("canary-identity-header")).await).claims.unwrap();
    assert_eq!(own.roles, ["User.Read.All"]);
    let foreign = bench.ask("", identity("other")).await;
    assert!(matches!(foreign, Outcome::Refused(_)), "{foreign:?}");
    let other = bench.ask("00000000-dead-4000-8000-000000000000", identity("canary-identity-header")).await;
    assert!(format!("{other:?}").contains("Identity not found"), "{other:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_is_told_resource_and_tenant() {
    let bench = Bench::new(&json!({}), "").await;
    let argv = ["printf", "%s.%s.x", "{resource}", "{tenant}"].map(str::to_owned).to_vec();
    let printed = token(bench.ask("", Proof::Command(argv)).await);
    assert_eq!(printed.secret.expose(), format!("https://graph.microsoft.com.{TENANT}.x"));
    let failing = bench.ask("", Proof::Command(vec!["false".into()])).await;
    assert!(format!("{failing:?}").contains("`false` failed"), "{failing:?}");
}

#[tokio::test]
async fn a_person_signs_in_by_a_code() {
    let bench = Bench::new(&json!({}), "").await;
    let scope = "https://graph.microsoft.com/.default offline_access";
    let offer = device_code::begin(&bench.net, &authority(), TENANT, READER, scope).await.unwrap();
    assert_eq!(bench.fill_in(&page(), &[("otc", "WRONG")]).await.0, 400);
    assert_eq!(bench.fill_in(&page(), &[("otc", &offer.user_code)]).await.0, 200);
    let wanted = TokenRequest { scope: scope.into(), ..request(TENANT, READER, Proof::Command(Vec::new())) };
    let first = token(device_code::wait(&bench.net, &wanted, &offer).await.outcome);
    let session = Proof::RefreshToken(first.refresh_token.unwrap());
    let exchange = TokenRequest {
        scope: "https://outlook.office365.com/.default".into(),
        ..request(TENANT, READER, session)
    };
    let claims = token(sign_in::token(&bench.net, &exchange).await.outcome).claims.unwrap();
    assert_eq!(
        (claims.identity_kind, claims.upn.as_deref()),
        (Some("user"), Some("reader@contoso.onmicrosoft.com"))
    );
}

#[tokio::test]
async fn a_person_signs_in_by_the_browser() {
    let bench = Bench::new(&json!({}), "").await;
    let scope = "https://graph.microsoft.com/.default offline_access";
    let pending = browser::begin(&authority(), TENANT, READER, scope).await.unwrap();
    let (status, location) = bench.fill_in(&pending.url, &[]).await;
    assert_eq!(status, 302);
    let waiting = tokio::spawn(pending.code(Duration::from_secs(20)));
    let back = location.unwrap().replace("localhost", "127.0.0.1");
    assert_eq!(
        bench.net.send(Request::get(Url::parse(&back).unwrap())).await.outcome.unwrap().status.as_u16(),
        200
    );
    let proof = waiting.await.unwrap().unwrap();
    let wanted = TokenRequest { scope: scope.into(), ..request(TENANT, READER, proof) };
    assert!(token(sign_in::token(&bench.net, &wanted).await.outcome).refresh_token.is_some());
    // A code is good for once.
    assert_eq!(code(&sign_in::token(&bench.net, &wanted).await.outcome), Some(70008));
}

#[tokio::test]
async fn an_address_that_is_not_registered_gets_no_code() {
    let patch = json!({ "applications": { "reader": { "publicClient": { "redirectUris": [] } } } });
    let bench = Bench::new(&patch, "").await;
    let pending = browser::begin(&authority(), TENANT, READER, "s").await.unwrap();
    assert_eq!(bench.fill_in(&pending.url, &[]).await, (400, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_reads_as_a_person_and_stores_nothing() {
    let bench = Bench::new(&json!({}), "[reader]\nsign_in = \"device-code\"\n").await;
    let file = bench.lab.folder().join("syncready.toml");
    std::fs::write(&file, bench.lab.config_toml()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_syncready"))
        .args(["check", "--format", "json", "--only", "account/exists", "--config"])
        .arg(&file)
        .env("HOME", home.path())
        .env("XDG_STATE_HOME", home.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let told =
        lines.find_map(|line| Some(line.unwrap().split_once("enter the code ")?.1.to_owned())).unwrap();
    assert_eq!(bench.fill_in(&page(), &[("otc", told.trim())]).await.0, 200);
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let finding = &report["accounts"][0]["findings"][0];
    assert_eq!(
        (finding["check"].as_str(), finding["result"].as_str()),
        (Some("account/exists"), Some("pass"))
    );
    assert!(!String::from_utf8_lossy(&output.stdout).contains("canary"));
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "something was stored");
}
