//! The lab's name server: answers for the hosts of the world, fails where the world says so, and
//! knows no other name.

use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use hickory_proto::{
    op::{Header, HeaderCounts, Metadata, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, AAAA, CNAME, SRV},
    },
};
use hickory_server::{
    net::runtime::Time,
    server::{Request, RequestHandler, ResponseHandler, ResponseInfo, Server},
    zone_handler::MessageResponseBuilder,
};
use serde_json::Value;
use tokio::net::{TcpListener, UdpSocket};

use super::{World, world};

const TTL: u32 = 60;
const ALIAS_DEPTH: usize = 8;

/// Starts the name server on sockets that are already bound.
pub fn serve(world: Arc<World>, udp: UdpSocket, tcp: TcpListener) -> Server<impl RequestHandler> {
    let mut server = Server::new(Names { world });
    server.register_socket(udp);
    server.register_listener(tcp, Duration::from_secs(5), 4096);
    server
}

struct Names {
    world: Arc<World>,
}

/// What the name server does with one question.
#[derive(Debug, PartialEq)]
enum Answer {
    Records(Vec<Record>),
    Code(ResponseCode),
    Silence,
}

impl Names {
    fn answer(&self, name: &Name, kind: RecordType) -> Answer {
        let asked = name.to_ascii().trim_end_matches('.').to_ascii_lowercase();
        if let Some(failure) = failure(self.world.at("/dns/all")) {
            return failure;
        }
        let mut records = Vec::new();
        let mut host = asked;
        for _ in 0..ALIAS_DEPTH {
            let settings = &self.world.at("/hosts")[host.as_str()];
            if settings.is_null() {
                return Answer::Code(ResponseCode::NXDomain);
            }
            if let Some(failure) = failure(&settings["dns"]) {
                return failure;
            }
            let Ok(owner) = Name::from_ascii(format!("{host}.")) else {
                return Answer::Code(ResponseCode::FormErr);
            };
            let alias = settings["cname"].as_str();
            let target = alias.and_then(|alias| Name::from_ascii(format!("{alias}.")).ok());
            let Some((alias, target)) = alias.zip(target) else {
                records.extend(own_records(&owner, settings, kind));
                return Answer::Records(records);
            };
            records.push(Record::from_rdata(owner, TTL, RData::CNAME(CNAME(target))));
            if kind == RecordType::CNAME {
                return Answer::Records(records);
            }
            alias.clone_into(&mut host);
        }
        Answer::Records(records)
    }
}

fn failure(behavior: &Value) -> Option<Answer> {
    Some(match behavior.as_str()? {
        "nxdomain" => Answer::Code(ResponseCode::NXDomain),
        "servfail" => Answer::Code(ResponseCode::ServFail),
        "refused" => Answer::Code(ResponseCode::Refused),
        "no-data" => Answer::Records(Vec::new()),
        "timeout" => Answer::Silence,
        _ => return None,
    })
}

fn own_records(owner: &Name, settings: &Value, kind: RecordType) -> Vec<Record> {
    let record = |data| Record::from_rdata(owner.clone(), TTL, data);
    if let Some(target) = settings["srv"].as_str() {
        let service = target.rsplit_once(':').and_then(|(host, port)| {
            Some(SRV::new(0, 0, port.parse().ok()?, Name::from_ascii(format!("{host}.")).ok()?))
        });
        return service
            .filter(|_| kind == RecordType::SRV)
            .map(|srv| record(RData::SRV(srv)))
            .into_iter()
            .collect();
    }
    let mut addresses: Vec<IpAddr> =
        world::items(&settings["dns"]).filter_map(|address| address.as_str()?.parse().ok()).collect();
    if addresses.is_empty() {
        addresses.push(Ipv4Addr::LOCALHOST.into());
    }
    addresses
        .into_iter()
        .filter_map(|address| match (address, kind) {
            (IpAddr::V4(v4), RecordType::A) => Some(record(RData::A(A(v4)))),
            (IpAddr::V6(v6), RecordType::AAAA) => Some(record(RData::AAAA(AAAA(v6)))),
            _ => None,
        })
        .collect()
}

impl RequestHandler for Names {
    // Written out by hand: the trait is declared through a macro crate that the project does not use.
    fn handle_request<'a, 'b, 'f, R, T>(
        &'a self,
        request: &'b Request,
        mut response_handle: R,
    ) -> Pin<Box<dyn Future<Output = ResponseInfo> + Send + 'f>>
    where
        R: ResponseHandler + 'f,
        T: Time + 'f,
        'a: 'f,
        'b: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let mut metadata = Metadata::response_from_request(&request.metadata);
            metadata.authoritative = true;
            let answer = match request.request_info() {
                Ok(info) => self.answer(&Name::from(info.query.name()), info.query.query_type()),
                Err(_) => Answer::Code(ResponseCode::FormErr),
            };
            let records = match answer {
                Answer::Silence => return silent(metadata),
                Answer::Records(records) => records,
                Answer::Code(code) => {
                    metadata.response_code = code;
                    Vec::new()
                }
            };
            let builder = MessageResponseBuilder::from_message_request(request);
            let response = builder.build(metadata, &records, &[], &[], &[]);
            match response_handle.send_response(response).await {
                Ok(info) => info,
                Err(_) => silent(metadata),
            }
        })
    }
}

fn silent(metadata: Metadata) -> ResponseInfo {
    ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(document: Value) -> Names {
        let now = "2026-11-21T08:00:00Z".parse().unwrap();
        Names { world: Arc::new(World::new(document, now).unwrap()) }
    }

    fn ask(names: &Names, name: &str, kind: RecordType) -> Answer {
        names.answer(&Name::from_ascii(name).unwrap(), kind)
    }

    #[test]
    fn aliases_are_followed_within_the_answer() {
        let names =
            names(json!({"hosts": {"a.example": {"cname": "b.example"}, "b.example": {"dns": "ok"}}}));
        let Answer::Records(records) = ask(&names, "A.example.", RecordType::A) else { panic!("no records") };
        let kinds: Vec<_> = records.iter().map(Record::record_type).collect();
        assert_eq!(kinds, [RecordType::CNAME, RecordType::A]);
    }

    #[test]
    fn unknown_names_do_not_exist_and_known_ones_fail_as_told() {
        let names =
            names(json!({"hosts": {"s.example": {"dns": "servfail"}, "t.example": {"dns": "timeout"}}}));
        assert_eq!(ask(&names, "x.example.", RecordType::A), Answer::Code(ResponseCode::NXDomain));
        assert_eq!(ask(&names, "s.example.", RecordType::A), Answer::Code(ResponseCode::ServFail));
        assert_eq!(ask(&names, "t.example.", RecordType::A), Answer::Silence);
    }

    #[test]
    fn a_service_record_names_host_and_port() {
        let names = names(json!({"hosts": {"_autodiscover._tcp.e.example": {"srv": "mail.e.example:443"}}}));
        let Answer::Records(records) = ask(&names, "_autodiscover._tcp.e.example.", RecordType::SRV) else {
            panic!("no records")
        };
        assert_eq!(records.len(), 1);
        assert_eq!(ask(&names, "_autodiscover._tcp.e.example.", RecordType::A), Answer::Records(Vec::new()));
    }

    #[test]
    fn one_behavior_may_hold_for_every_name() {
        let names = names(json!({"dns": {"all": "timeout"}, "hosts": {"a.example": {"dns": "ok"}}}));
        assert_eq!(ask(&names, "a.example.", RecordType::A), Answer::Silence);
    }
}
