//! A client of a lab, signed in as the product.

use std::{net::SocketAddr, path::PathBuf};

use syncready::{
    lab::Lab,
    wire::{
        Net, NetConfig, ProxySetting, Secret,
        sign_in::{self, Outcome, Proof, TokenRequest},
    },
};

pub const OUTLOOK: &str = "outlook.office365.com";
pub const GRAPH: &str = "graph.microsoft.com";

/// For a lab in this process.
pub fn of_lab(lab: &Lab) -> Net {
    let hosts = lab.connect_to().iter().map(|(from, to)| (from.clone(), *to));
    net(lab.folder().join("ca.pem"), hosts)
}

/// For whatever serves these hosts.
pub fn net(ca_file: PathBuf, hosts: impl Iterator<Item = (String, SocketAddr)>) -> Net {
    let split = |(from, to): (String, SocketAddr)| {
        let (host, port) = from.rsplit_once(':')?;
        Some(((host.to_owned(), port.parse().ok()?), to))
    };
    let config = NetConfig {
        ca_file: Some(ca_file),
        connect_to: hosts.filter_map(split).collect(),
        proxy: ProxySetting::Direct,
        ..NetConfig::default()
    };
    Net::new(config).expect("a client")
}

/// The product's token for a host.
pub async fn token(net: &Net, app: &str, secret: &str, host: &str) -> Secret {
    let request = TokenRequest {
        authority: "https://login.microsoftonline.com".parse().expect("a URL"),
        tenant: "contoso.com".into(),
        client_id: app.to_owned(),
        scope: format!("https://{host}/.default"),
        proof: Proof::ClientSecret(Secret::new(secret.to_owned())),
    };
    match sign_in::token(net, &request).await.outcome {
        Outcome::Token(token) => token.secret,
        other => panic!("no token: {other:?}"),
    }
}
