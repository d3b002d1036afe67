//! The grants of the token endpoint, each checked against the world in the order in which the sign-in
//! service finds fault.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    conditional_access::{self, Hit},
    refusal::Refusal,
    signs_in_in_the_cloud,
    token_endpoint::{Client, Wanted, app_token, user_token},
};
use crate::lab::{
    World,
    call::{Answer, Call},
    server::State,
    world::{entries, is, items},
};

/// `passwordValidityPeriodInDays` of domains whose passwords never expire.
const NEVER: i64 = 2_147_483_647;
/// Days after which an unused refresh token ends.
const IDLE_DAYS: i64 = 90;

/// An app by itself.
pub fn client_credentials(state: &State, call: &Call, client: &Client<'_>) -> Result<Answer, Refusal> {
    let world = &*state.world;
    if client.principal.is_null() {
        let text = format!("The client '{}' has no service principal in the tenant.", client.app_id);
        return Err(Refusal::client(7_000_229, text));
    }
    scripted(client.principal)?;
    client.authenticate(world, call, true)?;
    let wanted = Wanted::of(world, call)?;
    if !wanted.scopes.is_empty() {
        let text = "The scope of a client-credentials request must end in '/.default'.";
        return Err(Refusal::new("invalid_scope", 1_002_012, text));
    }
    let hits = conditional_access::for_app(world, client.principal);
    refuse_hits(&hits, false, true)?;
    Ok(app_token(state, client, &wanted))
}

/// A user by name and password.
pub fn password(state: &State, call: &Call, client: &Client<'_>) -> Result<Answer, Refusal> {
    let world = &*state.world;
    client.authenticate(world, call, client.application["isFallbackPublicClient"] == false)?;
    let name = call.form("username").ok_or_else(|| Refusal::missing("username"))?;
    let password = call.form("password").ok_or_else(|| Refusal::missing("password"))?;
    let wanted = Wanted::of(world, call)?;
    let Some((key, user)) = world.user(&name) else {
        return Err(Refusal::grant(
            50_034,
            format!("The user account {name} does not exist in the directory."),
        ));
    };
    scripted(user)?;
    if user["userType"] == "Guest" {
        let text = format!("User account '{name}' of another identity provider cannot use this application.");
        return Err(Refusal::grant(50_020, text));
    }
    if user["x"]["locked"] == true {
        let text = "The account is locked: too many sign-ins with a wrong user name or password.";
        return Err(Refusal::grant(50_053, text));
    }
    if user["accountEnabled"] == false {
        return Err(Refusal::grant(50_057, "The user account is disabled."));
    }
    if !signs_in_in_the_cloud(world, &name, user) || user["x"]["password"] != password.as_str() {
        return Err(Refusal::grant(50_126, "The user name or password could not be validated."));
    }
    if user["passwordProfile"]["forceChangePasswordNextSignIn"] == true || password_ended(world, user) {
        let refusal = Refusal::grant(50_055, "The password has expired.");
        return Err(refusal.suberror("user_password_expired"));
    }
    may_use(world, client, key, user)?;
    let granted = consented(world, client, key, &wanted)?;
    let hits = conditional_access::for_user(world, user, wanted.app_id);
    demands_factor(world, user)?;
    refuse_hits(&hits, has_method(user), false)?;
    Ok(user_token(state, client, &wanted, user, &granted))
}

/// A session that was begun earlier.
pub fn refresh_token(state: &State, call: &Call, client: &Client<'_>) -> Result<Answer, Refusal> {
    let world = &*state.world;
    client.authenticate(world, call, client.application["isFallbackPublicClient"] == false)?;
    let sent = call.form("refresh_token").ok_or_else(|| Refusal::missing("refresh_token"))?;
    let wanted = Wanted::of(world, call)?;
    let Some((key, user)) = world.user_of_session(&sent) else {
        return Err(Refusal::grant(70_000, "The refresh token is not valid.").suberror("bad_token"));
    };
    scripted(user)?;
    if user["accountEnabled"] == false {
        return Err(Refusal::grant(50_057, "The user account is disabled."));
    }
    session_lives(world, user)?;
    may_use(world, client, key, user)?;
    let granted = consented(world, client, key, &wanted)?;
    let hits = conditional_access::for_user(world, user, wanted.app_id);
    session_is_young_enough(world, user, &hits)?;
    // A factor given when the session began counts for its whole life.
    let stopping: Vec<_> = hits.into_iter().filter(|hit| !(hit.wants_factor() && has_method(user))).collect();
    refuse_hits(&stopping, has_method(user), false)?;
    Ok(user_token(state, client, &wanted, user, &granted))
}

/// A person at a page of the sign-in service, who gives a second factor where one is registered.
pub fn person<'a>(world: &'a World, call: &Call) -> Result<(&'a str, &'a Value), Refusal> {
    let name = call.form("login").ok_or_else(|| Refusal::missing("login"))?;
    let password = call.form("passwd").ok_or_else(|| Refusal::missing("passwd"))?;
    let Some((key, user)) = world.user(&name) else {
        return Err(Refusal::grant(
            50_034,
            format!("The user account {name} does not exist in the directory."),
        ));
    };
    scripted(user)?;
    if user["accountEnabled"] == false {
        return Err(Refusal::grant(50_057, "The user account is disabled."));
    }
    if user["x"]["password"] != password.as_str() {
        return Err(Refusal::grant(50_126, "The user name or password could not be validated."));
    }
    Ok((key, user))
}

/// A person who has signed in at a page, by the key of the user.
pub fn interactive(state: &State, call: &Call, client: &Client<'_>, key: &str) -> Result<Answer, Refusal> {
    let world = &*state.world;
    client.authenticate(world, call, client.application["isFallbackPublicClient"] == false)?;
    let wanted = Wanted::of(world, call)?;
    let user = &world.at("/users")[key];
    may_use(world, client, key, user)?;
    let granted = consented(world, client, key, &wanted)?;
    let hits = conditional_access::for_user(world, user, wanted.app_id);
    let stopping: Vec<_> = hits.into_iter().filter(|hit| !(hit.wants_factor() && has_method(user))).collect();
    refuse_hits(&stopping, has_method(user), false)?;
    Ok(user_token(state, client, &wanted, user, &granted))
}

fn scripted(identity: &Value) -> Result<(), Refusal> {
    Refusal::scripted(&identity["x"]["token_error"]).map_or(Ok(()), Err)
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

fn password_ended(world: &World, user: &Value) -> bool {
    let synced = user["onPremisesSyncEnabled"] == true;
    let cloud_policy = world.at("/policies/cloud_password_policy_for_synced") == true;
    let exempt =
        user["passwordPolicies"].as_str().is_some_and(|text| text.contains("DisablePasswordExpiration"));
    if exempt || (synced && !cloud_policy) {
        return false;
    }
    let domain =
        user["userPrincipalName"].as_str().and_then(|name| name.rsplit('@').next()).unwrap_or_default();
    let days = world.at("/domains")[domain]["passwordValidityPeriodInDays"].as_i64().unwrap_or(NEVER);
    let age = SignedDuration::from_hours(days.saturating_mul(24).min(24 * 36_500));
    time(&user["lastPasswordChangeDateTime"])
        .and_then(|changed| changed.checked_add(age).ok())
        .is_some_and(|end| days != NEVER && end <= world.started())
}

fn session_lives(world: &World, user: &Value) -> Result<(), Refusal> {
    let began = time(&user["x"]["connected_at"]);
    let valid_from = time(&user["signInSessionsValidFromDateTime"]);
    if began.zip(valid_from).is_some_and(|(began, valid_from)| began < valid_from) {
        let text =
            "The grant was revoked: the password was changed or the sessions were ended after it was issued.";
        return Err(Refusal::grant(50_173, text).suberror("bad_token"));
    }
    let idle = SignedDuration::from_hours(24 * IDLE_DAYS);
    let last = time(&user["x"]["last_used_at"]);
    if last.is_some_and(|last| world.started().duration_since(last) > idle) {
        let text = "The refresh token has expired because it was not used.";
        return Err(Refusal::grant(700_082, text).suberror("token_expired"));
    }
    Ok(())
}

fn session_is_young_enough(world: &World, user: &Value, hits: &[Hit<'_>]) -> Result<(), Refusal> {
    let Some(began) = time(&user["x"]["connected_at"]) else { return Ok(()) };
    let age = world.started().duration_since(began).as_hours();
    let ending: Vec<_> = hits
        .iter()
        .filter(|hit| hit.frequency_hours().is_some_and(|hours| age >= hours))
        .map(Hit::id)
        .collect();
    if ending.is_empty() {
        return Ok(());
    }
    let text = "The refresh token is too old for the sign-in frequency that Conditional Access demands.";
    Err(Refusal::grant(70_043, text).suberror("token_expired"))
}

/// Assignment of the user to the app, where the app demands it.
fn may_use(world: &World, client: &Client<'_>, key: &str, user: &Value) -> Result<(), Refusal> {
    if client.principal["appRoleAssignmentRequired"] != true {
        return Ok(());
    }
    let groups: Vec<_> = items(&user["x"]["groups"]).collect();
    let assigned = entries(&client.principal["x"]["assigned"])
        .any(|(_, who)| who["user"] == key || groups.contains(&&who["group"]));
    if assigned {
        return Ok(());
    }
    let app = client.principal["displayName"].as_str().unwrap_or_default();
    let tenant = world.text("/tenant/display_name").unwrap_or_default();
    Err(Refusal::grant(
        50_105,
        format!("'{app}' in {tenant} lets only assigned users in, and the user is not assigned."),
    ))
}

/// The scopes that the user, or everybody, consented to.
fn consented(
    world: &World,
    client: &Client<'_>,
    key: &str,
    wanted: &Wanted<'_>,
) -> Result<Vec<String>, Refusal> {
    let granted: Vec<String> = entries(&client.principal["x"]["oauth2_grants"])
        .filter(|(_, grant)| grant["resource"] == wanted.resource)
        .filter(|(_, grant)| grant["consentType"] == "AllPrincipals" || grant["principal"] == key)
        .flat_map(|(_, grant)| grant["scope"].as_str().unwrap_or_default().split_whitespace())
        .map(str::to_owned)
        .collect();
    let missing =
        wanted.scopes.iter().any(|scope| !granted.iter().any(|own| own.eq_ignore_ascii_case(scope)));
    if granted.is_empty() || missing {
        let name = client.principal["displayName"].as_str().unwrap_or_default();
        let tenant = world.text("/tenant/display_name").unwrap_or_default();
        let text = format!("The user or an administrator of {tenant} has not consented to use '{name}'.");
        return Err(Refusal::grant(65_001, text).suberror("consent_required"));
    }
    Ok(granted)
}

fn has_method(user: &Value) -> bool {
    entries(&user["x"]["methods"]).next().is_some()
}

/// Per-user MFA and security defaults, which ask whatever the policies say.
fn demands_factor(world: &World, user: &Value) -> Result<(), Refusal> {
    let state = &user["x"]["per_user_mfa"];
    if is(state, "enabled") || is(state, "enforced") || world.at("/policies/security_defaults") == true {
        return Err(factor(has_method(user)));
    }
    Ok(())
}

fn factor(registered: bool) -> Refusal {
    let refusal = if registered {
        Refusal::grant(50_076, "A second factor is needed to reach the resource.")
    } else {
        Refusal::grant(50_079, "The user must register a second factor to reach the resource.")
    };
    refusal.suberror("basic_action")
}

fn refuse_hits<'a>(hits: &[Hit<'a>], registered: bool, app_only: bool) -> Result<(), Refusal> {
    let ids =
        |wanted: fn(&Hit<'a>) -> bool| hits.iter().filter(|hit| wanted(hit)).map(Hit::id).collect::<Vec<_>>();
    let blocking = ids(Hit::blocks);
    if !blocking.is_empty() {
        let text = "Access was blocked by Conditional Access policies.";
        return Err(Refusal::grant(53_003, text).suberror("message_only").policies(blocking));
    }
    if app_only {
        return Ok(());
    }
    let factors = ids(Hit::wants_factor);
    if !factors.is_empty() {
        return Err(factor(registered).policies(factors));
    }
    let devices = ids(Hit::wants_device);
    if !devices.is_empty() {
        let text = "The device is not in the state that Conditional Access demands.";
        return Err(Refusal::grant(53_000, text).policies(devices));
    }
    let steps = ids(Hit::wants_step);
    if !steps.is_empty() {
        return Err(Refusal::grant(50_158, "An external step is not done.").policies(steps));
    }
    Ok(())
}
