//! Who calls: Basic on Exchange Server, bearer tokens in the cloud.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Ews, online};
use crate::lab::access;
use crate::lab::ask::Ask;
use crate::lab::names::EXCHANGE_APP;
use crate::lab::view::{View, has, text, texts};

/// Who calls.
#[derive(Debug)]
pub(super) enum Caller {
    /// An app with its own token; whether it has the consent in Entra.
    App {
        /// App id.
        id: String,
        /// The token carries `full_access_as_app`.
        consented: bool,
    },
    /// A signed-in user, by the short name of the account.
    User {
        /// Short name in the world.
        name: String,
        /// App that the user signed in with; empty on Exchange Server.
        app: String,
    },
}

impl Caller {
    /// App id of the caller; empty without one.
    pub(super) fn app(&self) -> &str {
        match self {
            Self::App { id, .. } => id,
            Self::User { app, .. } => app,
        }
    }

    /// The caller's own mailbox.
    pub(super) fn mailbox<'a>(&self, view: View<'a>) -> Option<&'a Value> {
        let Self::User { name, .. } = self else { return None };
        let own = view.named("ews.users", name).and_then(|user| user["mailbox"].as_str());
        own.and_then(|own| view.named("exchange.mailboxes", own)).or_else(|| {
            let user = view.named("users", name)?;
            view.mailbox_of(user)
        })
    }
}

/// A refusal of the credentials.
#[derive(Debug)]
pub(super) struct Refused {
    /// What the cloud says in `x-ms-diagnostics`; Exchange Server says nothing.
    pub diagnostics: Option<&'static str>,
}

impl Refused {
    /// The token carries nothing that counts here.
    pub(super) const PERMISSION: Self = Self { diagnostics: Some(PERMISSION) };
}

const SIGNATURE: &str =
    "2000000;reason=\"The token has an invalid signature.\";error_category=\"invalid_signature\"";
/// Assumed: the category is known, and neither the number nor the words.
const LIFETIME: &str = "2000001;reason=\"The token has expired.\";error_category=\"invalid_lifetime\"";
const AUDIENCE: &str = "2000003;reason=\"The audience claim value is invalid for current resource. Audience claim is not \
    the expected one, request url and resource do not match.\";error_category=\"invalid_resource\"";
const TENANT: &str = "2000004;reason=\"The tenant of the token is not known to this service.\";error_category=\"invalid_tenant\"";
const PERMISSION: &str = "2000008;reason=\"The token contains no permissions, or permissions can not be understood.\";error_category=\"invalid_grant\"";

/// The caller of a request.
pub(super) fn caller(view: View, ask: &Ask, service: &Ews) -> Result<Caller, Refused> {
    if online(view) { bearer(view, ask) } else { basic(view, ask, service) }
}

fn bearer(view: View, ask: &Ask) -> Result<Caller, Refused> {
    let scheme = ask.header("authorization").and_then(|value| value.split(' ').next()).unwrap_or_default();
    if ask.claims.is_none() {
        let token = scheme.eq_ignore_ascii_case("bearer");
        let why = if ask.expired { LIFETIME } else { SIGNATURE };
        return Err(Refused { diagnostics: token.then_some(why) });
    }
    let refuse = |text| Err(Refused { diagnostics: Some(text) });
    let audience = ask.claim("aud").trim_end_matches('/');
    let host = audience.strip_prefix("https://");
    if audience != EXCHANGE_APP && host != Some(ask.host.as_str()) && host != Some("outlook.office.com") {
        return refuse(AUDIENCE);
    }
    let tenant = ask.claim("tid");
    if !tenant.is_empty() && !has(view.at("tenant"), "id", tenant) {
        return refuse(TENANT);
    }
    let app = ask.claim("appid").to_owned();
    if ask.app_only() {
        let consented = ask.claim_words("roles").contains(&"full_access_as_app");
        let by_role = access::live_roles_of(view, &app)
            .into_iter()
            .any(|row| access::permissions_of(row).contains(&"EWS.AccessAsApp"));
        return if consented || by_role {
            Ok(Caller::App { id: app, consented })
        } else {
            refuse(PERMISSION)
        };
    }
    if !ask.claim_words("scp").contains(&"EWS.AccessAsUser.All") {
        return refuse(PERMISSION);
    }
    let name = view.user_key(ask.claim("oid")).unwrap_or_default().to_owned();
    Ok(Caller::User { name, app })
}

fn basic(view: View, ask: &Ask, service: &Ews) -> Result<Caller, Refused> {
    let refused = || Refused { diagnostics: None };
    let offered =
        texts(view.at("ews.challenges")).into_iter().any(|scheme| scheme.to_lowercase().starts_with("basic"));
    let (name, password) =
        ask.header("authorization").and_then(credentials).filter(|_| offered).ok_or_else(refused)?;
    let users = view.at("ews.users").as_object().into_iter().flatten();
    let mut known = users.filter(|(_, user)| user.is_object());
    let (key, user) = known
        .find(|(_, user)| texts(&user["names"]).iter().any(|own| own.eq_ignore_ascii_case(&name)))
        .ok_or_else(refused)?;
    let wrong = text(user, "password") != password;
    let locked = service.count(key, wrong);
    let state = user["state"].as_str().unwrap_or("ok");
    if wrong || locked || state != "ok" {
        return Err(refused());
    }
    Ok(Caller::User { name: key.clone(), app: String::new() })
}

/// Name and password of a Basic header.
fn credentials(header: &str) -> Option<(String, String)> {
    let (scheme, value) = header.split_once(' ')?;
    let decoded = STANDARD.decode(value.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

/// A challenge in full: the cloud's bearer challenge carries what a client needs to get a token.
pub(super) fn challenge(named: &str, invalid: bool) -> String {
    if !named.eq_ignore_ascii_case("bearer") {
        return named.to_owned();
    }
    let error = if invalid { ", error=\"invalid_token\"" } else { "" };
    format!(
        "Bearer client_id=\"{EXCHANGE_APP}\", trusted_issuers=\"00000001-0000-0000-c000-000000000000@*\", \
         token_types=\"app_asserted_user_v1 service_asserted_app_v1\", \
         authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\"{error}"
    )
}
