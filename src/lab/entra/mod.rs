//! Microsoft Entra sign-in of the simulated world: `OpenID` metadata, home realm discovery, tokens.

mod assertion;
mod conditional_access;
mod grants;
mod interactive;
mod refusal;
mod token_endpoint;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use self::refusal::Refusal;
pub use self::{interactive::Interactive, token_endpoint::token_of_machine};
use super::{
    World,
    call::{self, Answer, Call},
    server::State,
    world,
};

/// Answers one request.
pub fn handle(state: &State, call: &Call) -> Answer {
    let segments = call.segments();
    let parts: Vec<_> = segments.iter().map(String::as_str).collect();
    let world = &*state.world;
    match (&call.method, parts.as_slice()) {
        (&Method::GET, [tenant, "v2.0", ".well-known", "openid-configuration"]) => {
            metadata(world, call, tenant, "/v2.0")
        }
        (&Method::GET, [tenant, ".well-known", "openid-configuration"]) => metadata(world, call, tenant, ""),
        (&Method::GET, ["common", "userrealm", login]) => realm(world, call, login),
        (&Method::GET, ["common", "userrealm"]) => {
            realm(world, call, &call.query("user").unwrap_or_default())
        }
        (&Method::GET, ["GetUserRealm.srf"]) => old_realm(world, &call.query("login").unwrap_or_default()),
        (&Method::GET, ["common", "discovery", "instance"]) => instance(call),
        (&Method::POST, [tenant, "oauth2", "v2.0", "token"]) => {
            token_endpoint::answer(state, call, tenant).unwrap_or_else(|refusal| refusal.answer(call))
        }
        (&Method::POST, [tenant, "oauth2", "v2.0", "devicecode"]) => {
            interactive::device_code(state, call, tenant).unwrap_or_else(|refusal| refusal.answer(call))
        }
        (&Method::GET | &Method::POST, ["common", "oauth2", "deviceauth"]) => {
            interactive::device_page(state, call)
        }
        (&Method::GET | &Method::POST, [tenant, "oauth2", "v2.0", "authorize"]) => {
            interactive::authorize(state, call, tenant)
        }
        _ => call::text(
            StatusCode::NOT_FOUND,
            "text/html; charset=utf-8",
            "<html><body>Not found</body></html>",
        ),
    }
}

/// Whether the path's tenant segment leads to the world's tenant.
fn known_tenant(world: &World, name: &str) -> bool {
    world.at("/tenant/exists") == true && world.is_tenant(name)
}

fn no_such_tenant(error: &'static str, tenant: &str) -> Refusal {
    Refusal::new(
        error,
        90002,
        format!("Tenant '{tenant}' not found. Check that the tenant id and the cloud are the right ones."),
    )
}

fn metadata(world: &World, call: &Call, tenant: &str, version: &str) -> Answer {
    let common = ["common", "organizations"].contains(&tenant);
    if !common && !known_tenant(world, tenant) {
        return no_such_tenant("invalid_tenant", tenant).answer(call);
    }
    let id = if common { tenant } else { world.tenant_id() };
    // The worldwide cloud knows tenants of the others, and names their hosts.
    let host = match world.text("/tenant/cloud_instance") {
        Some("microsoftonline.us") => "login.microsoftonline.us",
        Some("partner.microsoftonline.cn") => "login.partner.microsoftonline.cn",
        _ => call.host.as_str(),
    };
    let base = format!("https://{host}/{id}");
    let issuer =
        if common { format!("https://{host}/{{tenantid}}{version}") } else { format!("{base}{version}") };
    let mut body = json!({
        "token_endpoint": format!("{base}/oauth2{version}/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{base}/discovery{version}/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer,
        "request_uri_parameter_supported": false,
        "userinfo_endpoint": format!("https://{}/oidc/userinfo", graph_host(world)),
        "authorization_endpoint": format!("{base}/oauth2{version}/authorize"),
        "device_authorization_endpoint": format!("{base}/oauth2{version}/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{base}/oauth2{version}/logout"),
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "acr", "nonce", "preferred_username", "name", "tid", "ver"],
        "tenant_region_scope": if common { &Value::Null } else { world.at("/tenant/region_scope") },
        "cloud_instance_name": world.at("/tenant/cloud_instance"),
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": graph_host(world),
        "rbac_url": "https://pas.windows.net",
    });
    if let (false, Some(sub_scope)) = (common, world.text("/tenant/region_sub_scope")) {
        body["tenant_region_sub_scope"] = sub_scope.into();
    }
    call::json(StatusCode::OK, &body)
}

fn graph_host(world: &World) -> &str {
    world.text("/tenant/graph_host").unwrap_or("graph.microsoft.com")
}

fn realm_of<'a>(world: &'a World, login: &'a str) -> (&'a str, &'a Value) {
    let domain = login.rsplit('@').next().unwrap_or_default();
    world
        .entries("/realms")
        .find(|(name, _)| name.eq_ignore_ascii_case(domain))
        .unwrap_or((domain, &Value::Null))
}

/// `Managed`, `Federated` or `Unknown`.
fn namespace(realm: &Value) -> &str {
    realm["account_type"].as_str().unwrap_or("Unknown")
}

fn realm(world: &World, call: &Call, login: &str) -> Answer {
    let (domain, realm) = realm_of(world, login);
    let kind = namespace(realm);
    let version = call.query("api-version").unwrap_or_default();
    if version.starts_with("2.") {
        return call::json(StatusCode::OK, &realm_2(world, login, domain, realm));
    }
    let mut body = json!({"ver": "1.0", "account_type": kind});
    if kind != "Unknown" {
        body["domain_name"] = domain.into();
        body["cloud_instance_name"] = world.at("/tenant/cloud_instance").clone();
        body["cloud_audience_urn"] = "urn:federation:MicrosoftOnline".into();
    }
    if kind == "Federated" {
        body["federation_protocol"] = realm["protocol"].as_str().unwrap_or("WSTrust").into();
        body["federation_metadata_url"] = realm["metadata_url"].clone();
        body["federation_active_auth_url"] = realm["active_auth_url"].clone();
    }
    call::json(StatusCode::OK, &body)
}

fn realm_2(world: &World, login: &str, domain: &str, realm: &Value) -> Value {
    let kind = namespace(realm);
    let mut body = json!({"NameSpaceType": kind, "Login": login});
    if kind != "Unknown" {
        body["DomainName"] = domain.into();
        body["FederationBrandName"] = realm["brand"].clone();
        body["TenantBrandingInfo"] = Value::Null;
        body["cloud_instance_name"] = world.at("/tenant/cloud_instance").clone();
    }
    if kind == "Federated" {
        body["federation_protocol"] = realm["protocol"].as_str().unwrap_or("WSTrust").into();
        body["AuthURL"] = realm["auth_url"].clone();
    }
    body
}

fn old_realm(world: &World, login: &str) -> Answer {
    let (domain, realm) = realm_of(world, login);
    let kind = namespace(realm);
    let state = match kind {
        "Managed" => 4,
        "Federated" => 3,
        _ => 1,
    };
    let mut body = json!({"State": state, "UserState": if kind == "Federated" { 2 } else { 1 }, "Login": login,
        "NameSpaceType": kind});
    if kind != "Unknown" {
        body["DomainName"] = domain.into();
        body["FederationBrandName"] = realm["brand"].clone();
        body["CloudInstanceName"] = world.at("/tenant/cloud_instance").clone();
        body["CloudInstanceIssuerUri"] = "urn:federation:MicrosoftOnline".into();
    }
    if kind == "Federated" {
        body["FederationGlobalVersion"] = (-1).into();
        body["AuthURL"] = realm["auth_url"].clone();
    }
    call::json(StatusCode::OK, &body)
}

fn instance(call: &Call) -> Answer {
    let host = &call.host;
    call::json(
        StatusCode::OK,
        &json!({
            "tenant_discovery_endpoint": format!("https://{host}/common/v2.0/.well-known/openid-configuration"),
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": "login.windows.net", "aliases": [host]}],
        }),
    )
}

/// Whether a federated user may sign in with the cloud's copy of the password.
fn signs_in_in_the_cloud(world: &World, login: &str, user: &Value) -> bool {
    let (_, realm) = realm_of(world, login);
    if namespace(realm) != "Federated" {
        return true;
    }
    let groups: Vec<_> = world::items(&user["x"]["groups"]).filter_map(Value::as_str).collect();
    let rolled_out = world.entries("/policies/rollout").any(|(_, policy)| {
        let feature = policy["feature"].as_str().unwrap_or_default();
        policy["isEnabled"] == true
            && ["passwordHashSync", "passthroughAuthentication"].contains(&feature)
            && world::items(&policy["x"]["groups"]).filter_map(Value::as_str).any(|key| groups.contains(&key))
    });
    let by_policy = world.entries("/policies/home_realm").any(|(_, policy)| {
        let mut definitions = world::items(&policy["definition"]).filter_map(Value::as_str);
        definitions.any(|text| text.contains("\"AllowCloudPasswordValidation\":true"))
    });
    rolled_out || by_policy
}
