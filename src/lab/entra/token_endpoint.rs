//! The token endpoint: which tenant, which client, which resource, and the token that comes out.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{assertion, grants, interactive, known_tenant, no_such_tenant, refusal::Refusal};
use crate::lab::{
    World,
    call::{self, Answer, Call},
    server::State,
    world::{entries, is, items, role_template_id},
};

/// Seconds that an access token lives, unless the tenant says otherwise.
const LIFETIME: i64 = 3599;

fn lifetime(world: &World) -> i64 {
    world.at("/tenant/token_seconds").as_i64().unwrap_or(LIFETIME)
}

/// Answers a token request.
pub fn answer(state: &State, call: &Call, tenant: &str) -> Result<Answer, Refusal> {
    let world = &*state.world;
    if !known_tenant(world, tenant) && tenant != "organizations" {
        return Err(no_such_tenant("invalid_request", tenant));
    }
    if foreign_cloud(world, &call.host) {
        let text = "The tenant lives in a national cloud; use the sign-in host of that cloud.";
        return Err(Refusal::new("invalid_request", 90_038, text));
    }
    let client = Client::of(world, call)?;
    match call.form("grant_type").ok_or_else(|| Refusal::missing("grant_type"))?.as_str() {
        "client_credentials" => grants::client_credentials(state, call, &client),
        "password" => grants::password(state, call, &client),
        "refresh_token" => grants::refresh_token(state, call, &client),
        "urn:ietf:params:oauth:grant-type:device_code" => {
            grants::interactive(state, call, &client, &interactive::of_device(state, call, &client)?)
        }
        "authorization_code" => {
            grants::interactive(state, call, &client, &interactive::of_code(state, call, &client)?)
        }
        _ => {
            let text = "The grant type is not supported.";
            Err(Refusal::new("unsupported_grant_type", 70_003, text))
        }
    }
}

fn foreign_cloud(world: &World, host: &str) -> bool {
    let cloud = world.text("/tenant/cloud_instance").unwrap_or("microsoftonline.com");
    host.ends_with("microsoftonline.com") != (cloud == "microsoftonline.com")
}

/// The app that asks.
#[derive(Debug)]
pub struct Client<'a> {
    /// App id.
    pub app_id: String,
    /// Its service principal in the tenant; null where there is none.
    pub principal: &'a Value,
    /// Its registration, if this tenant owns it; null otherwise.
    pub application: &'a Value,
}

impl<'a> Client<'a> {
    /// The app that a request names.
    pub fn of(world: &'a World, call: &Call) -> Result<Self, Refusal> {
        let app_id = call.form("client_id").ok_or_else(|| Refusal::missing("client_id"))?;
        let principal = world.service_principal(&app_id).map_or(&Value::Null, |(_, principal)| principal);
        let application = world.application(&app_id).map_or(&Value::Null, |(_, application)| application);
        if principal.is_null() && application.is_null() {
            return Err(Refusal::no_such_app(
                &app_id,
                world.text("/tenant/display_name").unwrap_or_default(),
            ));
        }
        if principal["accountEnabled"] == false {
            let text = format!("Application '{app_id}' is disabled.");
            return Err(Refusal::new("unauthorized_client", 7_000_112, text));
        }
        Ok(Self { app_id, principal, application })
    }

    /// Checks the client's own secret or assertion. `required`: a client without one is refused.
    pub fn authenticate(&self, world: &World, call: &Call, required: bool) -> Result<(), Refusal> {
        if let Some(assertion) = call.form("client_assertion") {
            return assertion::check(world, call, &self.app_id, self.application, &assertion);
        }
        match call.form("client_secret") {
            Some(secret) => self.check_secret(world, &secret),
            None if required => Err(Refusal::client(
                7_000_218,
                "The request body must contain 'client_assertion' or 'client_secret'.",
            )),
            None => Ok(()),
        }
    }

    fn check_secret(&self, world: &World, secret: &str) -> Result<(), Refusal> {
        if self.principal["x"]["secret"] != secret {
            let text = "The client secret is wrong: send the secret's value, not its id.";
            return Err(Refusal::client(7_000_215, format!("{text} App: '{}'.", self.app_id)));
        }
        let now = world.started();
        let mut ends = items(&self.application["passwordCredentials"])
            .filter_map(|credential| credential["endDateTime"].as_str()?.parse::<Timestamp>().ok())
            .peekable();
        if ends.peek().is_some() && ends.all(|end| end <= now) {
            let text = format!("The client secrets of app '{}' have expired.", self.app_id);
            return Err(Refusal::client(7_000_222, text));
        }
        Ok(())
    }
}

/// What a token is asked for.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// Key of the resource's service principal.
    pub resource: &'a str,
    /// App id of the resource.
    pub app_id: &'a str,
    /// `aud` of the token.
    pub audience: &'static str,
    /// Delegated permissions by name; empty: everything that was consented.
    pub scopes: Vec<String>,
    /// A refresh token is asked for.
    pub offline: bool,
}

impl<'a> Wanted<'a> {
    /// Reads the `scope` of the request.
    pub fn of(world: &'a World, call: &Call) -> Result<Self, Refusal> {
        Self::of_scope(world, &call.form("scope").ok_or_else(|| Refusal::missing("scope"))?)
    }

    fn of_scope(world: &'a World, scope: &str) -> Result<Self, Refusal> {
        const OPENID: [&str; 4] = ["openid", "profile", "email", "offline_access"];
        let mut resource = None;
        let mut scopes = Vec::new();
        for part in scope.split_whitespace().filter(|part| !OPENID.contains(part)) {
            let (prefix, name) = match part.strip_prefix("https://").and_then(|rest| rest.split_once('/')) {
                Some((host, name)) => (host, name),
                // A bare name is a permission of Microsoft Graph.
                None => ("graph.microsoft.com", part),
            };
            if resource.get_or_insert_with(|| prefix.to_owned()) != prefix {
                return Err(Refusal::new(
                    "invalid_request",
                    28_000,
                    "The scopes are of more than one resource.",
                ));
            }
            if name.trim_start_matches('/') != ".default" {
                scopes.push(name.to_owned());
            }
        }
        let resource = resource.unwrap_or_else(|| "graph.microsoft.com".to_owned());
        let (key, audience) = match resource.as_str() {
            "graph.microsoft.com" => ("graph", "https://graph.microsoft.com"),
            "outlook.office365.com" => ("exchange", "https://outlook.office365.com"),
            "outlook.office.com" => ("exchange", "https://outlook.office.com"),
            _ => return Err(no_such_resource(&resource)),
        };
        let (resource, principal) = world
            .entries("/service_principals")
            .find(|(_, principal)| principal["x"]["resource"] == key)
            .ok_or_else(|| no_such_resource(&resource))?;
        if principal["accountEnabled"] == false {
            let text = format!("The service principal of resource '{audience}' is disabled.");
            return Err(Refusal::new("invalid_resource", 500_014, text));
        }
        let app_id = principal["appId"].as_str().unwrap_or_default();
        let offline = scope.split_whitespace().any(|part| part == "offline_access");
        Ok(Self { resource, app_id, audience, scopes, offline })
    }
}

fn no_such_resource(name: &str) -> Refusal {
    let text = format!("The resource principal named 'https://{name}' was not found in the tenant.");
    Refusal::new("invalid_resource", 500_011, text)
}

/// A token of an Azure resource's own identity, asked for by the resource's URL.
pub fn token_of_machine(state: &State, principal: &Value, resource: &str) -> Option<Answer> {
    let app_id = principal["appId"].as_str()?.to_owned();
    let client = Client { app_id, principal, application: &Value::Null };
    let wanted = Wanted::of_scope(&state.world, &format!("{resource}/.default")).ok()?;
    Some(app_token(state, &client, &wanted))
}

/// An app-only token.
pub fn app_token(state: &State, client: &Client<'_>, wanted: &Wanted<'_>) -> Answer {
    let principal = client.principal;
    let roles: Vec<_> = entries(&principal["x"]["app_role_assignments"])
        .filter(|(_, assignment)| assignment["resource"] == wanted.resource)
        .filter_map(|(_, assignment)| assignment["permission"].as_str())
        .collect();
    let mut claims = claims(state, client, wanted);
    claims["idtyp"] = "app".into();
    claims["appidacr"] = "1".into();
    claims["oid"] = principal["id"].clone();
    claims["sub"] = principal["id"].clone();
    claims["wids"] = directory_roles(&principal["x"]["roles"]);
    if !roles.is_empty() {
        claims["roles"] = roles.into();
    }
    token(state, &claims, None)
}

/// A token of a user, with the granted scopes.
pub fn user_token(
    state: &State,
    client: &Client<'_>,
    wanted: &Wanted<'_>,
    user: &Value,
    granted: &[String],
) -> Answer {
    let mut claims = claims(state, client, wanted);
    claims["idtyp"] = "user".into();
    claims["appidacr"] = "0".into();
    claims["oid"] = user["id"].clone();
    claims["sub"] = format!("{}-sub", user["id"].as_str().unwrap_or_default()).into();
    claims["upn"] = user["userPrincipalName"].clone();
    claims["unique_name"] = user["userPrincipalName"].clone();
    claims["name"] = user["displayName"].clone();
    claims["amr"] = json!(["pwd"]);
    claims["wids"] = directory_roles(&user["x"]["roles"]);
    claims["scp"] = granted.join(" ").into();
    let offline = wanted.offline || granted.iter().any(|scope| is(&json!(scope), "offline_access"));
    let refresh_token = if offline { &user["x"]["refresh_token"] } else { &Value::Null };
    token(state, &claims, Some((granted, refresh_token)))
}

fn claims(state: &State, client: &Client<'_>, wanted: &Wanted<'_>) -> Value {
    let world = &*state.world;
    let now = world.clock().as_second();
    json!({
        "aud": wanted.audience,
        "iss": format!("https://sts.windows.net/{}/", world.tenant_id()),
        "iat": now - 300,
        "nbf": now - 300,
        "exp": now + lifetime(world),
        "aio": Uuid::new_v4().simple().to_string(),
        "app_displayname": client.principal["displayName"],
        "appid": client.app_id,
        "idp": format!("https://sts.windows.net/{}/", world.tenant_id()),
        "tenant_region_scope": world.at("/tenant/region_scope"),
        "tid": world.tenant_id(),
        "uti": Uuid::new_v4().simple().to_string(),
        "ver": "1.0",
    })
}

fn directory_roles(roles: &Value) -> Value {
    let own = entries(roles).filter_map(|(_, role)| role_template_id(role.as_str()?));
    // Every token of a tenant carries this one: the default of users without a role.
    own.chain(["b79fbf4d-3ef9-4689-8143-76b194e85509"]).collect::<Vec<_>>().into()
}

fn token(state: &State, claims: &Value, user: Option<(&[String], &Value)>) -> Answer {
    let mut body = json!({
        "token_type": "Bearer",
        "expires_in": lifetime(&state.world),
        "ext_expires_in": lifetime(&state.world),
        "access_token": state.signer.sign(claims),
    });
    if let Some((granted, refresh_token)) = user {
        let audience = claims["aud"].as_str().unwrap_or_default();
        let scopes: Vec<_> = granted.iter().map(|scope| format!("{audience}/{scope}")).collect();
        body["scope"] = scopes.join(" ").into();
        if !refresh_token.is_null() {
            body["refresh_token"] = refresh_token.clone();
        }
    }
    call::json(StatusCode::OK, &body)
}
