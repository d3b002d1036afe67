//! Signing in with a code that somebody types on another device.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};
use url::Url;

use super::{Attempt, Outcome, Proof, TokenRequest, endpoint, refusal, token};
use crate::wire::{Body, Net, Request, Secret, json};

/// Grant type of the token request.
pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What the sign-in service offers: a code to type, and where.
#[derive(Debug, Clone)]
pub struct Offer {
    /// What to type.
    pub user_code: String,
    /// Where to type it.
    pub verification_uri: String,
    device_code: Secret,
    interval: Duration,
    life: Duration,
}

/// Asks for a code; an error says in words why there is none.
///
/// # Errors
///
/// When the sign-in service gives none.
pub async fn begin(
    net: &Net,
    authority: &Url,
    tenant: &str,
    client_id: &str,
    scope: &str,
) -> Result<Offer, String> {
    let form = [("client_id", client_id), ("scope", scope)];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let request = Request::post(endpoint(authority, tenant, "devicecode"), Body::Form(form));
    let response = net.send(request).await.outcome.map_err(|failure| failure.to_string())?;
    let body = json::parse(&response.body)?;
    offer(&body).ok_or_else(|| {
        let refusal = refusal(response.status.as_u16(), &body).unwrap_or_default();
        refusal.text.or(refusal.error).unwrap_or_else(|| "the answer holds no code".into())
    })
}

fn offer(body: &Value) -> Option<Offer> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let seconds = |name: &str, usual: u64, least: u64, most: u64| {
        let given = body.get(name).and_then(Value::as_u64).unwrap_or(usual);
        Duration::from_secs(given.clamp(least, most))
    };
    Some(Offer {
        user_code: json::clip(text("user_code")?, 40),
        verification_uri: json::clip(text("verification_uri")?, 200),
        device_code: Secret::new(text("device_code")?),
        interval: seconds("interval", 5, 1, 60),
        life: seconds("expires_in", 900, 1, 1800),
    })
}

/// Asks for the token until somebody has signed in with the code, or it has ended.
pub async fn wait(net: &Net, request: &TokenRequest, offer: &Offer) -> Attempt {
    let request = TokenRequest { proof: Proof::DeviceCode(offer.device_code.clone()), ..request.clone() };
    let (end, mut interval) = (Instant::now() + offer.life, offer.interval);
    loop {
        sleep(interval).await;
        let attempt = token(net, &request).await;
        let again = match &attempt.outcome {
            Outcome::Refused(refusal) => match refusal.error.as_deref() {
                Some("authorization_pending") => true,
                Some("slow_down") => {
                    interval += Duration::from_secs(5);
                    true
                }
                _ => false,
            },
            Outcome::Busy { .. } | Outcome::NoAnswer(_) => true,
            Outcome::Token(_) | Outcome::Unreadable { .. } => false,
        };
        if !again || Instant::now() >= end {
            return attempt;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_offer_is_bounded_and_keeps_its_secret() {
        let body = json!({ "user_code": "ABC", "device_code": "hunter2", "verification_uri": "https://x",
            "interval": 0, "expires_in": 1_000_000 });
        let offer = offer(&body).expect("an offer");
        assert_eq!((offer.interval, offer.life), (Duration::from_secs(1), Duration::from_mins(30)));
        assert!(!format!("{offer:?}").contains("hunter2"));
    }

    #[test]
    fn half_an_offer_is_none() {
        assert!(offer(&json!({ "user_code": "ABC", "verification_uri": "https://x" })).is_none());
    }
}
