//! A reader that is a person: signs in before the run, and nothing of it is stored.
//!
//! The session is begun once, however many accounts are checked, and its refresh token lives in memory
//! until the run ends.

use std::{process::Command, time::Duration};

use super::{output::note, problem::Problem};
use crate::{
    collect::{Reader, SignIn, Target, session::Resource},
    wire::{
        Net, Secret,
        sign_in::{self, Attempt, Outcome, Proof, TokenRequest, browser, device_code},
    },
};

/// Time to sign in in the browser, with a second factor.
const BROWSER: Duration = Duration::from_mins(5);

/// The targets, their reader signed in where that takes a person.
///
/// # Errors
///
/// When nobody signed in, or the sign-in was refused.
pub async fn signed_in(mut targets: Vec<Target>, net: &Net) -> Result<Vec<Target>, Problem> {
    let mut session: Option<Secret> = None;
    for target in &mut targets {
        let Some(Reader { sign_in: SignIn::Session { kind, token: None }, client_id }) = &target.reader
        else {
            continue;
        };
        let (kind, client_id) = (*kind, client_id.clone());
        if session.is_none() {
            let request = request(target, client_id.as_deref().unwrap_or_default());
            session = Some(refresh_token(ask(net, kind, request).await?)?);
        }
        target.reader = Some(Reader { sign_in: SignIn::Session { kind, token: session.clone() }, client_id });
    }
    Ok(targets)
}

fn request(target: &Target, client_id: &str) -> TokenRequest {
    TokenRequest {
        authority: target.endpoints.sign_in.clone(),
        tenant: target.tenant_id.clone().unwrap_or_else(|| target.domain.clone()),
        client_id: client_id.to_owned(),
        scope: format!("{}/.default offline_access", Resource::Graph.url(target.cloud)),
        proof: Proof::DeviceCode(Secret::new("")),
    }
}

async fn ask(net: &Net, kind: &str, request: TokenRequest) -> Result<Attempt, Problem> {
    let refused = |text: String| Problem::new(format!("the reader did not sign in: {text}"));
    let TokenRequest { authority, tenant, client_id, scope, .. } = &request;
    if kind == "device-code" {
        let offer = device_code::begin(net, authority, tenant, client_id, scope).await.map_err(refused)?;
        note(&format!(
            "To read the directory, open {} and enter the code {}",
            offer.verification_uri, offer.user_code
        ));
        return Ok(device_code::wait(net, &request, &offer).await);
    }
    let pending = browser::begin(authority, tenant, client_id, scope).await;
    let pending = pending.map_err(|error| refused(format!("no port of this machine is free: {error}")))?;
    note(&format!(
        "To read the directory, sign in in the browser; if none opens, open this address on this machine:\n{}",
        pending.url
    ));
    open(pending.url.as_str());
    let proof = pending.code(BROWSER).await.map_err(refused)?;
    Ok(sign_in::token(net, &TokenRequest { proof, ..request }).await)
}

/// Opens the browser, if there is one: the address is printed in any case.
fn open(address: &str) {
    let mut command = if cfg!(windows) {
        let mut command = Command::new("rundll32");
        command.arg("url.dll,FileProtocolHandler");
        command
    } else {
        Command::new(if cfg!(target_os = "macos") { "open" } else { "xdg-open" })
    };
    let quiet = std::process::Stdio::null;
    // Whoever has no browser here reads the address.
    let _ = command.arg(address).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
}

fn refresh_token(attempt: Attempt) -> Result<Secret, Problem> {
    let text = match attempt.outcome {
        Outcome::Token(token) => match token.refresh_token {
            Some(token) => return Ok(token),
            None => "the session cannot be used for a second service: no refresh token came".to_owned(),
        },
        Outcome::Refused(refusal) => refusal.text.or(refusal.error).unwrap_or_default(),
        Outcome::Busy { status } => format!("the sign-in service answers HTTP {status}"),
        Outcome::NoAnswer(failure) => failure.to_string(),
        Outcome::Unreadable { text, .. } => text,
    };
    Err(Problem::new(format!("the reader did not sign in: {text}")))
}
