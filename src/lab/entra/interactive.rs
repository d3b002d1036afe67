//! Sign-ins of people: the pages for a device code and for an authorization code, and what they leave
//! behind for the token endpoint. The pages' own forms are assumed: no source shows them.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{Method, StatusCode};
use ring::digest::{SHA256, digest};
use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::{grants, known_tenant, no_such_tenant, refusal::Refusal, token_endpoint::Client};
use crate::lab::{
    call::{self, Answer, Call},
    server::State,
    world::items,
};

const CODE: &str = "The code is not valid.";

/// A sign-in that was begun on a device.
#[derive(Debug)]
struct Device {
    user_code: String,
    client: String,
    /// Key of the user who signed in.
    user: Option<String>,
}

/// An authorization code that waits to be redeemed.
#[derive(Debug)]
struct Code {
    client: String,
    user: String,
    redirect_uri: String,
    challenge: String,
}

/// Sign-ins under way.
#[derive(Debug, Default)]
pub struct Interactive {
    devices: Mutex<HashMap<String, Device>>,
    codes: Mutex<HashMap<String, Code>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `/devicecode`.
pub fn device_code(state: &State, call: &Call, tenant: &str) -> Result<Answer, Refusal> {
    let world = &*state.world;
    if !known_tenant(world, tenant) && tenant != "organizations" {
        return Err(no_such_tenant("invalid_request", tenant));
    }
    let client = Client::of(world, call)?;
    let (id, user_code) = (Uuid::new_v4().simple().to_string(), Uuid::new_v4().simple().to_string());
    let user_code = user_code.get(..9).unwrap_or_default().to_uppercase();
    let device = Device { user_code: user_code.clone(), client: client.app_id, user: None };
    lock(&state.interactive.devices).insert(id.clone(), device);
    let page = "https://microsoft.com/devicelogin";
    Ok(call::json(
        StatusCode::OK,
        &json!({
            "user_code": user_code,
            "device_code": id,
            "verification_uri": page,
            "expires_in": 900,
            "interval": 1,
            "message": format!("To sign in, open {page} and enter the code {user_code}."),
        }),
    ))
}

/// `/common/oauth2/deviceauth`: where the page of the verification address leads.
pub fn device_page(state: &State, call: &Call) -> Answer {
    let Some(user_code) = call.form("otc") else {
        return page(StatusCode::OK, "Enter the code: otc, login, passwd");
    };
    let user = match grants::person(&state.world, call) {
        Ok((key, _)) => key.to_owned(),
        Err(refusal) => return refusal.answer(call),
    };
    let mut devices = lock(&state.interactive.devices);
    match devices.values_mut().find(|device| device.user_code == user_code) {
        Some(device) => {
            device.user = Some(user);
            page(StatusCode::OK, "You have signed in on your device.")
        }
        None => page(StatusCode::BAD_REQUEST, CODE),
    }
}

/// The user who signed in with the other half of a device code.
pub fn of_device(state: &State, call: &Call, client: &Client<'_>) -> Result<String, Refusal> {
    let code = call.form("device_code").ok_or_else(|| Refusal::missing("device_code"))?;
    let mut devices = lock(&state.interactive.devices);
    let device = devices.get(&code).filter(|device| device.client == client.app_id);
    let Some(device) = device else {
        return Err(Refusal::new("bad_verification_code", 70_018, "The verification code is invalid."));
    };
    let Some(user) = device.user.clone() else {
        let text = "The user has not signed in with the code yet.";
        return Err(Refusal::new("authorization_pending", 70_016, text));
    };
    devices.remove(&code);
    Ok(user)
}

/// `/authorize`: the page, and what its form leads to.
pub fn authorize(state: &State, call: &Call, tenant: &str) -> Answer {
    let world = &*state.world;
    let query = |name: &str| call.query(name).unwrap_or_default();
    let client = query("client_id");
    let Some((_, application)) = world.application(&client).filter(|_| known_tenant(world, tenant)) else {
        return page(StatusCode::BAD_REQUEST, "AADSTS700016: The application was not found.");
    };
    let redirect_uri = query("redirect_uri");
    let registered = items(&application["publicClient"]["redirectUris"]).filter_map(|uri| uri.as_str());
    // The port of a loopback address is not compared.
    if !registered.into_iter().any(|own| same_but_for_port(own, &redirect_uri)) {
        return page(StatusCode::BAD_REQUEST, "AADSTS50011: The redirect URI is not registered.");
    }
    if query("response_type") != "code" || query("code_challenge_method") != "S256" {
        return page(StatusCode::BAD_REQUEST, "AADSTS900144: The request lacks a parameter.");
    }
    if call.method == Method::GET {
        return page(StatusCode::OK, "Sign in: login, passwd");
    }
    let user = match grants::person(world, call) {
        Ok((key, _)) => key.to_owned(),
        Err(refusal) => return refusal.answer(call),
    };
    let code = Uuid::new_v4().simple().to_string();
    let waiting =
        Code { client, user, redirect_uri: redirect_uri.clone(), challenge: query("code_challenge") };
    lock(&state.interactive.codes).insert(code.clone(), waiting);
    let Ok(mut back) = Url::parse(&redirect_uri) else { return page(StatusCode::BAD_REQUEST, CODE) };
    back.query_pairs_mut().append_pair("code", &code).append_pair("state", &query("state"));
    call::redirect(StatusCode::FOUND, back.as_str())
}

fn same_but_for_port(own: &str, given: &str) -> bool {
    let (Ok(mut own), Ok(mut given)) = (Url::parse(own), Url::parse(given)) else { return false };
    let loopback = own.host_str() == Some("localhost");
    loopback && own.set_port(None).and_then(|()| given.set_port(None)).is_ok() && own == given
}

/// The user of an authorization code, which is good for once.
pub fn of_code(state: &State, call: &Call, client: &Client<'_>) -> Result<String, Refusal> {
    let code = call.form("code").ok_or_else(|| Refusal::missing("code"))?;
    let verifier = call.form("code_verifier").ok_or_else(|| Refusal::missing("code_verifier"))?;
    let waiting = lock(&state.interactive.codes).remove(&code);
    let fits = |waiting: &Code| {
        waiting.client == client.app_id
            && call.form("redirect_uri").as_deref() == Some(waiting.redirect_uri.as_str())
    };
    let Some(waiting) = waiting.filter(fits) else {
        return Err(Refusal::grant(70_008, "The provided authorization code is expired."));
    };
    if BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) != waiting.challenge {
        let text =
            "The Code_Verifier does not match the code_challenge supplied in the authorization request.";
        return Err(Refusal::grant(501_481, text));
    }
    Ok(waiting.user)
}

fn page(status: StatusCode, text: &str) -> Answer {
    call::text(status, "text/html; charset=utf-8", format!("<!DOCTYPE html><html><body>{text}</body></html>"))
}
