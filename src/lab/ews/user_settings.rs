//! Autodiscover by SOAP: the settings of a user, asked with the credentials that EWS takes.

use roxmltree::{Document, Node};
use serde_json::Value;

use super::identity::{self, Caller};
use super::xml::escape;
use super::{Ews, XML, gates, html, public_folders};
use crate::lab::ask::{Answer, Ask};
use crate::lab::view::{View, text};

const AUTODISCOVER: &str = "http://schemas.microsoft.com/exchange/2010/Autodiscover";

/// Answers one request to `autodiscover.svc`.
pub(super) fn answer(service: &Ews, view: View, ask: &Ask) -> Answer {
    let caller = match identity::caller(view, ask, service) {
        // A right that rests on an Exchange role alone is not accepted here.
        Ok(Caller::App { consented: false, .. }) => return identity::Refused::PERMISSION.answer(view),
        Ok(caller) => caller,
        Err(refused) => return refused.answer(view),
    };
    drop(caller);
    let body = String::from_utf8_lossy(&ask.body);
    let Ok(document) = Document::parse(&body) else { return html(400, "400 - Bad Request") };
    Answer::new(200, XML, envelope(&user_response(view, &document)))
}

fn user_response(view: View, document: &Document) -> String {
    let named = |name: &'static str| {
        document.descendants().filter(move |node: &Node| node.has_tag_name((AUTODISCOVER, name)))
    };
    let address = named("Mailbox").next().and_then(|node| node.text()).unwrap_or_default().trim();
    let wanted: Vec<&str> = named("Setting").filter_map(|node| node.text()).map(str::trim).collect();
    if let Some(keeper) = public_folders::keeper_at(view, address) {
        return told(&wanted, |name| (name == "AutoDiscoverSMTPAddress").then_some(keeper));
    }
    let mailbox = view.mailbox(address);
    let Some(mailbox) = mailbox.filter(|mailbox| gates::served(view, mailbox)) else {
        return "<ErrorCode>InvalidUser</ErrorCode><ErrorMessage>Invalid user.</ErrorMessage>".to_owned();
    };
    told(&wanted, |name| setting(view, mailbox, name))
}

/// The settings that are wanted, or that they are not available.
fn told<'a>(wanted: &[&str], setting: impl Fn(&str) -> Option<&'a str>) -> String {
    let stated = wanted.iter().filter_map(|name| Some((*name, setting(name)?)));
    let settings: Vec<String> = stated.map(user_setting).collect();
    let missing = wanted.iter().filter(|name| setting(name).is_none());
    let errors: Vec<String> = missing.map(|name| not_available(name)).collect();
    let (settings, errors) = (settings.concat(), errors.concat());
    format!(
        "<ErrorCode>NoError</ErrorCode><ErrorMessage>No error.</ErrorMessage><RedirectTarget i:nil=\"true\"/>\
         <UserSettingErrors>{errors}</UserSettingErrors><UserSettings>{settings}</UserSettings>"
    )
}

fn user_setting((name, value): (&str, &str)) -> String {
    format!(
        "<UserSetting i:type=\"StringSetting\"><Name>{}</Name><Value>{}</Value></UserSetting>",
        escape(name),
        escape(value)
    )
}

fn not_available(name: &str) -> String {
    format!(
        "<UserSettingError><ErrorCode>SettingIsNotAvailable</ErrorCode><ErrorMessage>User setting '{0}' is not \
         available.</ErrorMessage><SettingName>{0}</SettingName></UserSettingError>",
        escape(name)
    )
}

fn setting<'a>(view: View<'a>, mailbox: &'a Value, name: &str) -> Option<&'a str> {
    let keeper = view.at("exchange.public_folder_mailbox");
    let value = match name {
        "PublicFolderInformation" => text(keeper, "address"),
        "InternalRpcClientServer" => text(keeper, "server"),
        "AutoDiscoverSMTPAddress" => text(mailbox, "PrimarySmtpAddress"),
        "UserDisplayName" => text(mailbox, "DisplayName"),
        _ => "",
    };
    (!value.is_empty()).then_some(value)
}

fn envelope(user: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:a=\"http://www.w3.org/2005/08/addressing\">\
         <s:Header><a:Action s:mustUnderstand=\"1\">{AUTODISCOVER}/Autodiscover/GetUserSettingsResponse</a:Action></s:Header>\
         <s:Body><GetUserSettingsResponseMessage xmlns=\"{AUTODISCOVER}\">\
         <Response xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\"><ErrorCode>NoError</ErrorCode><ErrorMessage/>\
         <UserResponses><UserResponse>{user}</UserResponse></UserResponses></Response></GetUserSettingsResponseMessage>\
         </s:Body></s:Envelope>"
    )
}
