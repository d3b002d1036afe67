//! Autodiscover of the simulated world: the JSON form, redirects, and the challenge of the old forms.

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    World,
    call::{self, Answer, Call},
    world,
};

/// The redirect that the world places on this URL, on whatever host.
pub fn redirect(world: &World, call: &Call) -> Option<Answer> {
    let scheme = if call.secure { "https" } else { "http" };
    let url = format!("{scheme}://{}{}", call.host, call.path);
    let (_, redirect) =
        world.entries("/autodiscover/redirects").find(|(_, own)| world::is(&own["url"], &url))?;
    let status = redirect["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let status = status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::FOUND);
    Some(call::redirect(status, redirect["location"].as_str()?))
}

/// Answers one request below `/autodiscover/`.
pub fn handle(world: &World, call: &Call) -> Answer {
    let segments = call.segments();
    let name = segments.get(1).map(|name| name.to_ascii_lowercase()).unwrap_or_default();
    match name.as_str() {
        "autodiscover.json" => {
            let inline = segments.get(3).filter(|_| segments.len() > 3).cloned();
            json_form(world, call, inline.or_else(|| call.query("Email")))
        }
        "autodiscover.xml" | "autodiscover.svc" => {
            let mut answer = call::empty(StatusCode::UNAUTHORIZED);
            for challenge in world::items(world.at("/ews/challenges")).filter_map(Value::as_str) {
                answer = call::with_header(answer, "www-authenticate", challenge);
            }
            answer
        }
        _ => call::empty(StatusCode::NOT_FOUND),
    }
}

fn json_form(world: &World, call: &Call, address: Option<String>) -> Answer {
    let refuse = |code: &str, message: &str| {
        call::json(StatusCode::BAD_REQUEST, &json!({"ErrorCode": code, "ErrorMessage": message}))
    };
    let Some(address) = address.filter(|address| address.contains('@')) else {
        return refuse("MandatoryParameterMissing", "The parameter 'Email' is missing or no address.");
    };
    let Some(protocol) = call.query("Protocol") else {
        return refuse("MandatoryParameterMissing", "The parameter 'Protocol' is missing.");
    };
    let known = world.at("/autodiscover/v2");
    let route = world::entries(known)
        .find(|(own, _)| own.eq_ignore_ascii_case(&address))
        .map_or(&known["*"], |(_, route)| route);
    if let Some(location) = route["redirect"].as_str() {
        return call::redirect(StatusCode::FOUND, location);
    }
    if let Some(code) = route["error"].as_str() {
        return refuse(code, route["message"].as_str().unwrap_or_default());
    }
    match world::entries(route).find(|(own, _)| own.eq_ignore_ascii_case(&protocol)) {
        Some((name, url)) => call::json(StatusCode::OK, &json!({"Protocol": name, "Url": url})),
        None if route.is_null() => refuse("UserNotFound", "The given user is not found."),
        None => refuse("ProtocolNotSupported", "The given protocol value is invalid."),
    }
}
