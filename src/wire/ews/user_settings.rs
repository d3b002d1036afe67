//! What Autodiscover tells of public folders: one SOAP question, put to the host that Exchange Web
//! Services answer on, so that the credential goes nowhere else.

use http::{HeaderValue, StatusCode, header};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use roxmltree::Node;

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

impl Client {
    /// The route to the public folders of a mailbox; an error says in words why none is known.
    pub async fn public_folder_route(&self, address: &str) -> (Result<Route, String>, Exchange) {
        let mut url = self.url.clone();
        url.set_path(PATH);
        let mut request = Request::post(url.clone(), Body::Xml(question(url.as_str(), address)));
        request.headers.insert(header::AUTHORIZATION, self.authorization.clone());
        request.headers.insert(header::ACCEPT, HeaderValue::from_static("text/xml"));
        let reply = self.net.send(request).await;
        let route = match &reply.outcome {
            Err(failure) => Err(xml::clip(&failure.to_string())),
            Ok(response) if response.status == StatusCode::OK => answer(&response.body),
            Ok(response) => Err(format!("HTTP {}", response.status.as_u16())),
        };
        let secrets: Vec<_> = self.secrets.iter().map(|secret| secret.expose().to_owned()).collect();
        let route = route.map_err(|text| redact::text(&text, &secrets).unwrap_or_default());
        (route, reply.exchange)
    }
}

/// The question for the two settings that make up the route.
fn question(url: &str, address: &str) -> String {
    let mut writer = Writer::new(Vec::new());
    write(&mut writer, url, address).expect("writing to memory does not fail");
    String::from_utf8(writer.into_inner()).expect("only UTF-8 was written")
}

fn write(writer: &mut Writer<Vec<u8>>, url: &str, address: &str) -> std::io::Result<()> {
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
                        text(writer, "a:Setting", "PublicFolderInformation")?;
                        text(writer, "a:Setting", "InternalRpcClientServer")
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

fn answer(body: &[u8]) -> Result<Route, String> {
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
    if let Some(anchor) = setting("PublicFolderInformation").filter(is_address) {
        return Ok(Route { anchor, mailbox: setting("InternalRpcClientServer").filter(is_address) });
    }
    let refusal = named("ErrorCode").filter_map(xml::text).find(|code| code != "NoError");
    let none = || "Autodiscover names no mailbox for public folders".to_owned();
    Err(refusal.map_or_else(none, |code| format!("Autodiscover answers {code}")))
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
        assert_eq!(answer(text.as_bytes()), Ok(route));
    }

    #[test]
    fn a_refusal_is_named() {
        let error = "<UserSettingErrors><UserSettingError><ErrorCode>SettingIsNotAvailable</ErrorCode></UserSettingError>\
            </UserSettingErrors>";
        let refusal = answer(settings(error).as_bytes()).expect_err("no route");
        assert_eq!(refusal, "Autodiscover answers SettingIsNotAvailable");
        assert!(answer(b"<html></html>").is_err());
        assert!(answer(settings(&setting("PublicFolderInformation", "not an address")).as_bytes()).is_err());
    }

    #[test]
    fn the_address_is_escaped() {
        assert!(question("https://h/", "a&b@c").contains("<a:Mailbox>a&amp;b@c</a:Mailbox>"));
    }
}
