//! Reading Active Directory, against the lab's domain controller and against servers that mean harm.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::{path::PathBuf, sync::Arc, time::Duration};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use syncready::{
    lab::{Lab, Options, Scenario},
    wire::{
        Failure, Net, NetConfig, ProxySetting, Secret,
        ldap::{Depth, Filter, Ldap, Search},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;
use url::Url;

const HOST: &str = "dc01.contoso.com";
const BASE: &str = "DC=contoso,DC=com";

async fn lab(patch: &Value) -> (Lab, Net) {
    let text =
        format!("description = 'x'\nworld = 'exchange-server'\nverdict = 'ready'\npatch = '''{patch}'''\n");
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
    (lab, net.unwrap())
}

fn url(scheme: &str) -> Url {
    Url::parse(&format!("{scheme}://{HOST}")).unwrap()
}

fn password(lab: &Lab) -> Secret {
    Secret::new(lab.world().text("/ews/users/svc/password").unwrap())
}

fn by(name: &'static str, value: &str) -> Search {
    Search {
        base: BASE.into(),
        depth: Depth::Subtree,
        filter: Filter::Any(vec![Filter::Equals(name, value.into())]),
        attributes: &["objectClass", "sAMAccountName", "userAccountControl"],
    }
}

#[tokio::test]
async fn an_account_is_found_by_each_of_its_names() {
    let (lab, net) = lab(&json!({})).await;
    for scheme in ["ldaps", "ldap"] {
        let mut ldap = Ldap::connect(&net, &url(scheme)).await.unwrap();
        assert_eq!(ldap.bind("CONTOSO\\svc-sync", &password(&lab)).await.unwrap().code, 0);
        for (name, value) in [
            ("userPrincipalName", "SVC-sync@contoso.com"),
            ("proxyAddresses", "smtp:sync@contoso.com"),
            ("sAMAccountName", "svc-sync"),
        ] {
            let found = ldap.search(&by(name, value)).await.unwrap();
            assert_eq!(found.entries.len(), 1, "{scheme} {name}");
            assert_eq!(found.entries[0].one("sAMAccountName"), Some("svc-sync"));
            assert!(found.elsewhere.iter().any(|address| address.contains("ForestDnsZones")));
        }
        assert!(ldap.close().await.iter().all(|exchange| exchange.method == "LDAP"));
    }
}

#[tokio::test]
async fn a_refused_sign_in_names_its_reason() {
    let object = |change: Value| json!({ "directory": { "objects": { "svc": change } } });
    let cases = [
        (json!({}), "wrong", "52e"),
        (object(json!({ "userAccountControl": 514 })), "", "533"),
        (object(json!({ "lockoutTime": "@now-5m" })), "", "775"),
        (object(json!({ "pwdLastSet": 0 })), "", "773"),
        (object(json!({ "expires": "@now-1d" })), "", "532"),
    ];
    for (patch, wrong, data) in cases {
        let (lab, net) = lab(&patch).await;
        let mut ldap = Ldap::connect(&net, &url("ldaps")).await.unwrap();
        let password = if wrong.is_empty() { password(&lab) } else { Secret::new(wrong) };
        let verdict = ldap.bind("svc-sync@contoso.com", &password).await.unwrap();
        assert_eq!((verdict.code, verdict.data().as_deref()), (49, Some(data)));
        assert!(!format!("{:?}", ldap.close().await).contains("canary"));
    }
}

#[tokio::test]
async fn nothing_is_read_without_a_sign_in() {
    let (_lab, net) = lab(&json!({})).await;
    let mut ldap = Ldap::connect(&net, &url("ldaps")).await.unwrap();
    assert_eq!(ldap.search(&by("sAMAccountName", "svc-sync")).await.unwrap().verdict.code, 1);
    let root = Search {
        base: String::new(),
        depth: Depth::Base,
        filter: Filter::Has("objectClass"),
        attributes: &["defaultNamingContext"],
    };
    let root = ldap.search(&root).await.unwrap();
    assert_eq!(root.entries[0].one("defaultNamingContext"), Some(BASE));
}

#[tokio::test]
async fn a_long_answer_comes_page_by_page() {
    let objects: serde_json::Map<String, Value> = (0..450)
        .map(|number| {
            let row = json!({ "distinguishedName": format!("CN=u{number},{BASE}"), "objectClass": "contact", "mail": "many@contoso.com" });
            (format!("u{number}"), row)
        })
        .collect();
    let (lab, net) = lab(&json!({ "directory": { "objects": objects } })).await;
    let mut ldap = Ldap::connect(&net, &url("ldaps")).await.unwrap();
    ldap.bind("CONTOSO\\svc-sync", &password(&lab)).await.unwrap();
    let found = ldap.search(&by("mail", "many@contoso.com")).await.unwrap();
    assert_eq!(found.entries.len(), 450);
    assert!(ldap.exchanges.len() > 2, "one page held everything");
}

#[tokio::test]
async fn a_server_that_cannot_be_trusted_gets_no_password() {
    for tls in ["untrusted", "wrong-name", "expired"] {
        let (_lab, net) = lab(&json!({ "hosts": { "dc01.contoso.com": { "tls": tls } } })).await;
        for scheme in ["ldaps", "ldap"] {
            let refused = Ldap::connect(&net, &url(scheme)).await.unwrap_err();
            assert!(matches!(refused, Failure::Tls { .. }), "{tls} {scheme}: {refused:?}");
        }
    }
}

/// A server behind TLS that answers whatever is asked with these bytes, again and again if wanted.
async fn hostile(answer: Vec<u8>, endless: bool) -> (Net, tempfile::TempDir) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![HOST.into()]).unwrap().signed_by(&key, &issuer).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca_file: PathBuf = folder.path().join("ca.pem");
    std::fs::write(&ca_file, issuer.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = acceptor.accept(stream).await else { return };
        let _ = stream.read(&mut [0; 4096]).await;
        while stream.write_all(&answer).await.is_ok() && endless {}
        let _ = stream.shutdown().await;
    });
    let mut config =
        NetConfig { ca_file: Some(ca_file), proxy: ProxySetting::Direct, ..NetConfig::default() };
    config.connect_to.insert((HOST.into(), 636), address);
    config.limits.request = Duration::from_secs(20);
    config.limits.body = 256 << 10;
    (Net::new(config).unwrap(), folder)
}

/// An entry of the first search.
fn entry() -> Vec<u8> {
    vec![0x30, 0x0c, 0x02, 0x01, 0x01, 0x64, 0x07, 0x04, 0x03, b'C', b'N', b'=', 0x30, 0x00]
}

#[tokio::test]
async fn servers_that_mean_harm_are_values() {
    let deep: Vec<u8> = [0x30, 0x80].repeat(50_000);
    let nested: Vec<u8> = (0..20_000).flat_map(|_| [0x30, 0x82, 0xff, 0xff]).collect();
    let cases: [(&str, Vec<u8>, bool); 7] = [
        ("endless entries", entry(), true),
        ("endless other messages", vec![0x30, 0x05, 0x02, 0x01, 0x63, 0x65, 0x00], true),
        ("a huge length", vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0, 0], true),
        ("deep nesting", deep, false),
        ("nested lengths", nested, true),
        ("another protocol", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), false),
        ("an early end", vec![0x30, 0x0c, 0x02], false),
    ];
    for (name, answer, endless) in cases {
        let (net, _folder) = hostile(answer, endless).await;
        let mut ldap = Ldap::connect(&net, &url("ldaps")).await.unwrap();
        let failure = ldap.search(&by("mail", "x@contoso.com")).await.expect_err(name);
        assert!(
            matches!(failure, Failure::Garbled { .. } | Failure::TooLarge { .. } | Failure::Closed { .. }),
            "{name}: {failure:?}"
        );
    }
}
