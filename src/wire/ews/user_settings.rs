//! What Autodiscover tells of public folders: one SOAP question, put to the host that Exchange Web
//! Services answer on, so that the credential goes nowhere else.

use http::{HeaderValue, StatusCode, header};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use roxmltree::Node;

use super::super::challenge::challenges;
use super::super::net::{Body, Request};
use super::super::{redact, soap::SOAP, xml};
use super::{Client, Route};
use crate::facts::Exchange;

/// Namespace of Autodiscover by SOAP.
const AUTODISCOVER: &str = "http://schemas.microsoft.com/exchange/2010/Autodiscover";
/// Namespace of the addressing headers.
const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";
/// Path of the service.
const PATH: &str = "/autodiscover/autodiscover.svc";
/// The setting by which the hierarchy of public folders is found.
const HIERARCHY: &str = "PublicFolderInformation";
/// The setting that names its mailbox.
const SERVER: &str = "InternalRpcClientServer";
/// The setting that tells the address of a mailbox.
const OWN_ADDRESS: &str = "AutoDiscoverSMTPAddress";

/// What Autodiscover told of a route.
#[derive(Debug, Clone)]
pub struct Routed {
    /// The route; an error says in words why none is known.
    pub route: Result<Route, String>,
    /// Evidence.
    pub exchange: Exchange,
    /// A password was refused: it must not be sent again.
    pub password_refused: bool,
}

impl Client {
    /// The route to the hierarchy of public folders that a mailbox sees.
    pub async fn public_folder_route(&self, address: &str) -> Routed {
        self.routed(address, &[HIERARCHY, SERVER], hierarchy).await
    }

    /// The route to the items of a public folder: `address` is the id of the mailbox that keeps them with
    /// the domain of the hierarchy's.
    pub async fn content_route(&self, address: &str) -> Routed {
        self.routed(address, &[OWN_ADDRESS], content).await
    }

    async fn routed(
        &self,
        address: &str,
        settings: &[&str],
        read: fn(&[u8]) -> Result<Route, String>,
    ) -> Routed {
        if let Some(client) = self.current() {
            return Box::pin(client.routed(address, settings, read)).await;
        }
        let mut url = self.url.clone();
        url.set_path(PATH);
        let mut request = Request::post(url.clone(), Body::Xml(question(url.as_str(), address, settings)));
        request.headers.insert(header::AUTHORIZATION, self.authorization.clone());
        request.headers.insert(header::ACCEPT, HeaderValue::from_static("text/xml"));
        let reply = self.net.send(request).await;
        let mut password_refused = false;
        let route = match &reply.outcome {
            Err(failure) => Err(xml::clip(&failure.to_string())),
            Ok(response) if response.status == StatusCode::OK => read(&response.body),
            Ok(response) => {
                let offered = challenges(&response.headers);
                let taken = offered.is_empty() || offered.iter().any(|offer| offer == self.scheme);
                let unauthorized = response.status == StatusCode::UNAUTHORIZED;
                password_refused = unauthorized && taken && self.sends_password();
                Err(format!("HTTP {}", response.status.as_u16()))
            }
        };
        let secrets: Vec<_> = self.secrets.iter().map(|secret| secret.expose().to_owned()).collect();
        let route = route.map_err(|text| redact::text(&text, &secrets).unwrap_or_default());
        Routed { route, exchange: reply.exchange, password_refused }
    }
}

/// The question for settings of a mailbox.
fn question(url: &str, address: &str, settings: &[&str]) -> String {
    let mut writer = Writer::new(Vec::new());
    write(&mut writer, url, address, settings).expect("writing to memory does not fail");
    String::from_utf8(writer.into_inner()).expect("only UTF-8 was written")
}

fn write(writer: &mut Writer<Vec<u8>>, url: &str, address: &str, settings: &[&str]) -> std::io::Result<()> {
    let action = format!("{AUTODISCOVER}/Autodiscover/GetUserSettings");
    let text = |writer: &mut Writer<Vec<u8>>, name: &str, text: &str| {
        writer.create_element(name).write_text_content(BytesText::new(text)).map(drop)
    };
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    let names = [("xmlns:soap", SOAP), ("xmlns:a", AUTODISCOVER), ("xmlns:wsa", ADDRESSING)];
    writer.create_element("soap:Envelope").with_attributes(names).write_inner_content(|writer| {
        writer.create_element("soap:Header").write_inner_content(|writer| {
            text(writer, "a:RequestedServerVersion", "Exchange2013")?;
            text(writer, "wsa:Action", &action)?;
            text(writer, "wsa:To", url)
        })?;
        writer.create_element("soap:Body").write_inner_content(|writer| {
            writer.create_element("a:GetUserSettingsRequestMessage").write_inner_content(|writer| {
                writer.create_element("a:Request").write_inner_content(|writer| {
                    writer.create_element("a:Users").write_inner_content(|writer| {
                        writer
                            .create_element("a:User")
                            .write_inner_content(|writer| text(writer, "a:Mailbox", address))
                            .map(drop)
                    })?;
                    writer.create_element("a:RequestedSettings").write_inner_content(|writer| {
                        settings.iter().try_for_each(|setting| text(writer, "a:Setting", setting))
                    })?;
                    Ok(())
                })?;
                Ok(())
            })?;
            Ok(())
        })?;
        Ok(())
    })?;
    Ok(())
}

/// The hierarchy is found by one address, and named by another.
fn hierarchy(body: &[u8]) -> Result<Route, String> {
    let [anchor, mailbox] = answer(body, [HIERARCHY, SERVER])?;
    let anchor = anchor.ok_or("Autodiscover names no mailbox for public folders")?;
    Ok(Route { anchor, mailbox })
}

/// Items are found by the address of their mailbox, and it names them as well.
fn content(body: &[u8]) -> Result<Route, String> {
    let [address] = answer(body, [OWN_ADDRESS])?;
    let address = address.ok_or("Autodiscover does not know the mailbox that keeps the items")?;
    Ok(Route { mailbox: Some(address.clone()), anchor: address })
}

/// Settings that are addresses; an error that stands in place of all is told.
fn answer<const N: usize>(body: &[u8], wanted: [&str; N]) -> Result<[Option<String>; N], String> {
    let text = xml::decode(body).map_err(|error| error.to_string())?;
    let document = xml::parse(&text).map_err(|error| error.to_string())?;
    let named = |name: &'static str| {
        document.descendants().filter(move |node| node.has_tag_name((AUTODISCOVER, name)))
    };
    let of = |node: Node<'_, '_>, name: &str| {
        node.children().find(|child| child.has_tag_name((AUTODISCOVER, name))).and_then(xml::text)
    };
    let setting = |wanted: &str| {
        named("UserSetting")
            .find(|node| of(*node, "Name").as_deref() == Some(wanted))
            .and_then(|node| of(node, "Value"))
    };
    let is_address = |text: &String| text.contains('@') && !text.contains(char::is_whitespace);
    let found = wanted.map(|name| setting(name).filter(is_address));
    let refusal = named("ErrorCode").filter_map(xml::text).find(|code| code != "NoError");
    match refusal {
        Some(code) if found[0].is_none() => Err(format!("Autodiscover answers {code}")),
        _ => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(inner: &str) -> String {
        format!(
            "<s:Envelope xmlns:s=\"{SOAP}\"><s:Body><GetUserSettingsResponseMessage xmlns=\"{AUTODISCOVER}\"><Response>\
             <ErrorCode>NoError</ErrorCode><UserResponses><UserResponse>{inner}</UserResponse></UserResponses></Response>\
             </GetUserSettingsResponseMessage></s:Body></s:Envelope>"
        )
    }

    fn setting(name: &str, value: &str) -> String {
        format!("<UserSetting><Name>{name}</Name><Value>{value}</Value></UserSetting>")
    }

    #[test]
    fn both_settings_make_a_route() {
        let text = settings(
            &(setting("PublicFolderInformation", "pf1@contoso.com")
                + &setting("InternalRpcClientServer", "0f1e@contoso.com")),
        );
        let route = Route { anchor: "pf1@contoso.com".into(), mailbox: Some("0f1e@contoso.com".into()) };
        assert_eq!(hierarchy(text.as_bytes()), Ok(route));
    }

    #[test]
    fn items_are_led_to_by_one_address() {
        let text = settings(&setting("AutoDiscoverSMTPAddress", "pf2@contoso.com"));
        let route = Route { anchor: "pf2@contoso.com".into(), mailbox: Some("pf2@contoso.com".into()) };
        assert_eq!(content(text.as_bytes()), Ok(route));
        assert!(content(settings("").as_bytes()).is_err_and(|text| text.contains("does not know")));
    }

    #[test]
    fn a_refusal_is_named() {
        let error = "<UserSettingErrors><UserSettingError><ErrorCode>SettingIsNotAvailable</ErrorCode></UserSettingError>\
            </UserSettingErrors>";
        let refusal = hierarchy(settings(error).as_bytes()).expect_err("no route");
        assert_eq!(refusal, "Autodiscover answers SettingIsNotAvailable");
        assert!(hierarchy(b"<html></html>").is_err());
        assert!(
            hierarchy(settings(&setting("PublicFolderInformation", "not an address")).as_bytes()).is_err()
        );
    }

    #[test]
    fn the_address_is_escaped() {
        assert!(question("https://h/", "a&b@c", &[OWN_ADDRESS]).contains("<a:Mailbox>a&amp;b@c</a:Mailbox>"));
    }
}
