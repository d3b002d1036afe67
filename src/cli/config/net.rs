//! How servers are reached: endpoints, name server, proxy, trusted roots, bounds.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use toml::Spanned;
use url::{Host, Url};

use super::{
    File, Source,
    file::{CloudName, Endpoints as Raw},
};
use crate::{
    cli::{args, problem::Problem},
    collect::{Cloud, Endpoints},
    wire::{NetConfig, ProxySetting, hosts, net::Limits},
};

/// Cloud → sign-in, Graph, Exchange.
const HOSTS: &[(Cloud, [&str; 3])] = &[
    (
        Cloud::China,
        ["login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn", "partner.outlook.cn"],
    ),
    (Cloud::Dod, ["login.microsoftonline.us", "dod-graph.microsoft.us", "outlook-dod.office365.us"]),
    (Cloud::GccHigh, ["login.microsoftonline.us", "graph.microsoft.us", "outlook.office365.us"]),
    (Cloud::Worldwide, ["login.microsoftonline.com", "graph.microsoft.com", "outlook.office365.com"]),
];

/// The cloud of a name in the configuration.
pub fn cloud(name: Option<CloudName>) -> Cloud {
    match name {
        Some(CloudName::China) => Cloud::China,
        Some(CloudName::Dod) => Cloud::Dod,
        Some(CloudName::GccHigh) => Cloud::GccHigh,
        Some(CloudName::Worldwide) | None => Cloud::Worldwide,
    }
}

/// Whether a host is Microsoft's.
pub fn is_microsoft(url: &Url) -> bool {
    matches!(url.host(), Some(Host::Domain(host)) if hosts::is_microsoft(host))
}

/// The endpoints of a cloud with those of the configuration in their place.
pub fn endpoints(source: &Source, file: &File, cloud: Cloud) -> Result<Endpoints, Problem> {
    let Raw { sign_in, graph, exchange_admin, ews, autodiscover } = &file.endpoints;
    let hosts =
        HOSTS.iter().find(|(of, _)| *of == cloud).map_or(HOSTS[HOSTS.len() - 1].1, |(_, hosts)| *hosts);
    let mut custom = Vec::new();
    let mut read = |given: &Option<Spanned<String>>| -> Result<Option<Url>, Problem> {
        let Some(given) = given else { return Ok(None) };
        let url = server_url(source, given)?;
        if !is_microsoft(&url) {
            custom.push(url.to_string());
        }
        Ok(Some(url))
    };
    let usual = |host: &str| Url::parse(&format!("https://{host}")).expect("the hosts above make URLs");
    let endpoints = Endpoints {
        sign_in: read(sign_in)?.unwrap_or_else(|| usual(hosts[0])),
        graph: read(graph)?.unwrap_or_else(|| usual(hosts[1])),
        exchange_admin: read(exchange_admin)?.unwrap_or_else(|| usual(hosts[2])),
        ews: read(ews)?,
        autodiscover: read(autodiscover)?,
        custom: Vec::new(),
    };
    let diverted = file.network.connect_to.len();
    if diverted > 0 {
        custom.push(format!("connect_to for {diverted} {}", if diverted == 1 { "host" } else { "hosts" }));
    }
    Ok(Endpoints { custom, ..endpoints })
}

fn server_url(source: &Source, given: &Spanned<String>) -> Result<Url, Problem> {
    let refuse = |message: String| source.problem(given.span(), message, "not usable");
    let url = Url::parse(given.get_ref()).map_err(|error| {
        refuse(format!("this is not a URL: {error}"))
            .help("write it like https://mail.contoso.com/EWS/Exchange.asmx")
    })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("a URL here must not hold credentials".into()));
    }
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => return Err(refuse("the URL names no host".into())),
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        _ => Err(refuse("credentials go over https only".into())
            .help("plain http is taken for this machine alone")),
    }
}

/// What the client needs to know.
pub fn net(source: &Source, file: &File) -> Result<NetConfig, Problem> {
    let network = &file.network;
    let ca_file = network.ca_file.as_ref().map(|given| {
        let path = source.folder.join(given.get_ref());
        match std::fs::File::open(&path) {
            Ok(_) => Ok(path),
            Err(error) => {
                let message = format!("cannot read {}: {error}", path.display());
                Err(source.problem(given.span(), message, "trusted roots"))
            }
        }
    });
    Ok(NetConfig {
        dns: network.dns.as_ref().map(|given| name_server(source, given)).transpose()?,
        ca_file: ca_file.transpose()?,
        connect_to: connect_to(source, &network.connect_to)?,
        proxy: proxy(source, network.proxy.as_ref())?,
        limits: limits(source, file)?,
    })
}

fn name_server(source: &Source, given: &Spanned<String>) -> Result<SocketAddr, Problem> {
    let text = given.get_ref();
    let address = text.parse::<SocketAddr>().ok();
    let address = address.or_else(|| text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 53)));
    address.ok_or_else(|| {
        let message = "a name server is an address with a port, for example 192.0.2.53:53";
        source.problem(given.span(), message, "not an address")
    })
}

fn connect_to(
    source: &Source,
    given: &BTreeMap<String, Spanned<String>>,
) -> Result<BTreeMap<(String, u16), SocketAddr>, Problem> {
    let mut map = BTreeMap::new();
    for (key, value) in given {
        let from =
            key.rsplit_once(':').and_then(|(host, port)| Some((host.to_owned(), port.parse::<u16>().ok()?)));
        let Some((host, port)) = from.filter(|(host, _)| !host.is_empty()) else {
            let message = format!("`{key}` is not HOST:PORT");
            return Err(source.problem(value.span(), message, "the key of this value"));
        };
        let to = value.get_ref().parse().map_err(|_| {
            let message = format!("`{}` is not ADDRESS:PORT, for example 127.0.0.1:8443", value.get_ref());
            source.problem(value.span(), message, "not an address")
        })?;
        map.insert((host.to_ascii_lowercase(), port), to);
    }
    Ok(map)
}

fn proxy(source: &Source, given: Option<&Spanned<String>>) -> Result<ProxySetting, Problem> {
    let Some(given) = given else { return Ok(ProxySetting::System) };
    if given.get_ref() == "none" {
        return Ok(ProxySetting::Direct);
    }
    let refuse = |message: &str| source.problem(given.span(), message, "not usable");
    let url = Url::parse(given.get_ref())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| refuse("a proxy is a URL like http://proxy.contoso.com:8080, or `none`"))?;
    if url.password().is_some() {
        let problem = refuse("a secret must not stand in the configuration");
        return Err(problem.help("set HTTPS_PROXY instead, which may hold user name and password"));
    }
    Ok(ProxySetting::Url(url))
}

fn limits(source: &Source, file: &File) -> Result<Limits, Problem> {
    let usual = Limits::default();
    let read = |given: &Option<Spanned<String>>, usual: Duration| {
        given.as_ref().map_or(Ok(usual), |given| time(source, given))
    };
    Ok(Limits {
        dns: read(&file.limits.dns, usual.dns)?,
        connect: read(&file.limits.connect, usual.connect)?,
        request: read(&file.limits.request, usual.request)?,
        ..usual
    })
}

/// A time with its unit.
pub fn time(source: &Source, given: &Spanned<String>) -> Result<Duration, Problem> {
    args::duration(given.get_ref()).map_err(|message| source.problem(given.span(), message, "not a time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_only_end_alike_are_not_microsofts() {
        let url = |text: &str| Url::parse(text).expect("a URL");
        assert!(is_microsoft(&url("https://graph.microsoft.com")));
        assert!(!is_microsoft(&url("https://graph.notmicrosoft.com")));
        assert!(!is_microsoft(&url("https://microsoft.com.contoso.com")));
    }
}
