//! Active Directory of the simulated organization, by LDAP: root, sign-in by name and password, searches
//! page by page. It answers as a domain controller does, and refuses everything that writes.

mod ber;
mod objects;

use std::sync::Arc;

use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use self::{
    ber::{Node, around, number, plain, text},
    objects::Object,
};
use super::{World, world::items};

const LIMIT: usize = 1 << 20;
const PAGED: &str = "1.2.840.113556.1.4.319";

/// Serves connections that begin with TLS.
pub async fn serve_tls(world: Arc<World>, listener: TcpListener, acceptor: TlsAcceptor) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (world, acceptor) = (Arc::clone(&world), acceptor.clone());
        tokio::spawn(async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                converse(&world, stream).await;
            }
        });
    }
}

/// Serves connections that begin without TLS: nothing but `StartTLS` is answered on them.
pub async fn serve_plain(world: Arc<World>, listener: TcpListener, acceptor: TlsAcceptor) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (world, acceptor) = (Arc::clone(&world), acceptor.clone());
        tokio::spawn(async move {
            if let Some(stream) = upgraded(stream, &acceptor).await {
                converse(&world, stream).await;
            }
        });
    }
}

async fn upgraded(
    mut stream: TcpStream,
    acceptor: &TlsAcceptor,
) -> Option<impl AsyncRead + AsyncWrite + Unpin + use<>> {
    let mut received = Vec::new();
    let message = next(&mut stream, &mut received).await?;
    let parts = message.children();
    let [id, operation, ..] = parts.as_slice() else { return None };
    let asks = operation.tag == 0x77 && operation.children().first()?.text() == "1.3.6.1.4.1.1466.20037";
    let (tag, code) = if asks { (0x78, 0) } else { (operation.tag + 1, 8) };
    let said = if asks {
        ""
    } else {
        "00002028: LdapErr: DSID-0C090259, comment: The server requires binds to turn on integrity checking, data 0, v4563"
    };
    stream.write_all(&message_of(id.number(), &result(tag, code, said), None)).await.ok()?;
    if !asks {
        return None;
    }
    acceptor.accept(stream).await.ok()
}

async fn next(stream: &mut (impl AsyncRead + Unpin), received: &mut Vec<u8>) -> Option<Node> {
    loop {
        if let Some((message, after)) = Node::parse(received) {
            *received = after.to_vec();
            return Some(message);
        }
        if received.len() > LIMIT || stream.read_buf(received).await.ok()? == 0 {
            return None;
        }
    }
}

async fn converse(world: &World, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let (mut received, mut signed_in) = (Vec::new(), false);
    while let Some(message) = next(&mut stream, &mut received).await {
        let parts = message.children();
        let [id, operation, rest @ ..] = parts.as_slice() else { return };
        let answer = match operation.tag {
            0x42 => return,
            0x60 => {
                let refused = bind(world, operation);
                signed_in = refused.is_none();
                let (code, said) = refused.map_or((0, String::new()), |said| (49, said));
                message_of(id.number(), &result(0x61, code, &said), None)
            }
            0x63 => search(world, id.number(), operation, rest.first(), signed_in),
            tag => message_of(id.number(), &result(tag + 1, 53, "00002035: unwilling to perform"), None),
        };
        if stream.write_all(&answer).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

fn message_of(id: u64, operation: &[u8], controls: Option<Vec<u8>>) -> Vec<u8> {
    around(0x30, [number(0x02, id), operation.to_vec(), controls.unwrap_or_default()])
}

fn result(tag: u8, code: u64, said: &str) -> Vec<u8> {
    around(tag, [number(0x0a, code), text(0x04, ""), text(0x04, said)])
}

/// Why a sign-in is refused; `None`: it is not.
fn bind(world: &World, operation: &Node) -> Option<String> {
    let parts = operation.children();
    let (name, password) = (parts.get(1)?.text(), parts.get(2)?.text());
    let refused = |data: &str| {
        Some(format!(
            "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {data}, v4563"
        ))
    };
    let all = objects::all(world);
    let account = name.rsplit('\\').next().unwrap_or_default();
    let named = |object: &&Object| {
        ["userPrincipalName", "distinguishedName"].iter().any(|own| is(object.values(own), &name))
            || (name.contains('\\') && is(object.values("sAMAccountName"), account))
    };
    let Some(object) = all.iter().find(named) else { return refused("525") };
    let right = world.at("/ews/users")[object.key.as_str()]["password"]
        .as_str()
        .or(world.at("/directory/objects")[object.key.as_str()]["password"].as_str());
    if right != Some(password.as_str()) {
        return refused("52e");
    }
    object.refusal().and_then(refused)
}

fn is(values: &[String], wanted: &str) -> bool {
    values.iter().any(|value| value.eq_ignore_ascii_case(wanted))
}

fn search(world: &World, id: u64, operation: &Node, controls: Option<&Node>, signed_in: bool) -> Vec<u8> {
    let parts = operation.children();
    let done = |code, said: &str, cookie: Option<&str>| {
        let controls = cookie.map(|cookie| {
            let value = around(0x30, [number(0x02, 0), text(0x04, cookie)]);
            around(0xa0, [around(0x30, [text(0x04, PAGED), plain(0x04, &value)])])
        });
        message_of(id, &result(0x65, code, said), controls)
    };
    let [base, depth, _, _, _, _, filter, wanted, ..] = parts.as_slice() else {
        return done(2, "the request is malformed", None);
    };
    let (base, wanted) = (base.text(), wanted.children().iter().map(Node::text).collect::<Vec<_>>());
    if base.is_empty() && depth.number() == 0 {
        return [entry(id, "", &root(world), &wanted), done(0, "", None)].concat();
    }
    if !signed_in {
        let said = "000004DC: LdapErr: DSID-0C0909A8, comment: In order to perform this operation a successful bind \
                    must be completed on the connection., data 0, v4563";
        return done(1, said, None);
    }
    let all = objects::all(world);
    if !all.iter().any(|object| object.name.eq_ignore_ascii_case(&base)) {
        let said = "0000208D: NameErr: DSID-03100245, problem 2001 (NO_OBJECT), data 0, best match of: ''";
        return done(32, said, None);
    }
    let inside = |object: &&Object| {
        let name = object.name.to_lowercase();
        let base = base.to_lowercase();
        name == base || (depth.number() == 2 && name.ends_with(&format!(",{base}")))
    };
    let found: Vec<_> = all.iter().filter(inside).filter(|object| fits(object, filter)).collect();
    let (size, start) = controls.map_or((usize::MAX, 0), page);
    let end = start.saturating_add(size).min(found.len());
    let mut answer: Vec<u8> = found
        .get(start..end)
        .unwrap_or_default()
        .iter()
        .flat_map(|object| entry(id, &object.name, &object.attributes, &wanted))
        .collect();
    if depth.number() == 2 && base.eq_ignore_ascii_case(&objects::base(world)) {
        answer.extend(references(world, id));
    }
    let cookie = if end < found.len() { end.to_string() } else { String::new() };
    [answer, done(0, "", Some(&cookie))].concat()
}

/// Size of a page, and where it begins.
fn page(controls: &Node) -> (usize, usize) {
    let value = controls.children().iter().find_map(|control| {
        let parts = control.children();
        (parts.first()?.text() == PAGED).then(|| parts.last().cloned())?
    });
    let parts = value.and_then(|value| Node::parse(&value.content).map(|(node, _)| node.children()));
    let [size, cookie] = parts.as_deref().unwrap_or_default() else { return (usize::MAX, 0) };
    (usize::try_from(size.number()).unwrap_or(usize::MAX).max(1), cookie.text().parse().unwrap_or_default())
}

/// Where a search of the whole domain would go on: the parts that other servers hold.
fn references(world: &World, id: u64) -> Vec<u8> {
    let base = objects::base(world);
    let usual = ["ForestDnsZones", "DomainDnsZones"].map(|zone| format!("DC={zone},{base}"));
    let others = items(world.at("/directory/other_domains")).filter_map(Value::as_str).map(str::to_owned);
    let usual = usual.into_iter().chain([format!("CN=Configuration,{base}")]);
    usual
        .chain(others)
        .flat_map(|name| {
            message_of(id, &around(0x73, [text(0x04, &format!("ldap://dc.contoso.com/{name}"))]), None)
        })
        .collect()
}

fn root(world: &World) -> Vec<(&'static str, Vec<String>)> {
    let base = objects::base(world);
    vec![
        ("defaultNamingContext", vec![base.clone()]),
        ("rootDomainNamingContext", vec![base.clone()]),
        ("configurationNamingContext", vec![format!("CN=Configuration,{base}")]),
        ("dnsHostName", vec!["DC01.contoso.com".into()]),
        ("supportedControl", vec![PAGED.into()]),
        ("supportedLDAPVersion", vec!["3".into(), "2".into()]),
    ]
}

fn entry(id: u64, name: &str, attributes: &[(&'static str, Vec<String>)], wanted: &[String]) -> Vec<u8> {
    let shown = attributes.iter().filter(|(own, values)| {
        let asked =
            wanted.is_empty() || wanted.iter().any(|name| name == "*" || name.eq_ignore_ascii_case(own));
        asked && !values.is_empty()
    });
    let rows = shown.map(|(own, values)| {
        around(0x30, [text(0x04, own), around(0x31, values.iter().map(|value| text(0x04, value)))])
    });
    message_of(id, &around(0x64, [text(0x04, name), around(0x30, rows)]), None)
}

/// Whether an object fits a filter; kinds of filters that nobody uses here fit nothing.
fn fits(object: &Object, filter: &Node) -> bool {
    match filter.tag {
        0xa0 => filter.children().iter().all(|part| fits(object, part)),
        0xa1 => filter.children().iter().any(|part| fits(object, part)),
        0xa2 => !filter.children().first().is_some_and(|part| fits(object, part)),
        0xa3 => match filter.children().as_slice() {
            [name, value] => is(object.values(&name.text()), &value.text()),
            _ => false,
        },
        0x87 => !object.values(&filter.text()).is_empty(),
        _ => false,
    }
}
