//! Where Azure resources get tokens of their own identity: the metadata service of virtual machines, and
//! what App Service puts in its place.

use http::{Method, StatusCode};
use serde_json::json;

use super::{
    call::{self, Answer, Call},
    entra::token_of_machine,
    server::State,
};

/// Answers one request.
pub fn handle(state: &State, call: &Call) -> Answer {
    let refuse = |status, error: &str, text: &str| {
        call::json(status, &json!({ "error": error, "error_description": text }))
    };
    let version = call.query("api-version").unwrap_or_default();
    let header = state.world.text("/identity_header").unwrap_or_default();
    let known = match (&call.method, call.path.as_str()) {
        (&Method::GET, "/metadata/identity/oauth2/token") => {
            call.header("metadata") == Some("true") && version == "2018-02-01"
        }
        (&Method::GET, "/msi/token") => {
            call.header("x-identity-header") == Some(header) && version == "2019-08-01"
        }
        _ => return refuse(StatusCode::NOT_FOUND, "not_found", "The path is not known."),
    };
    if !known {
        let text = "Required metadata header not specified, or the version is not supported.";
        return refuse(StatusCode::BAD_REQUEST, "bad_request_102", text);
    }
    let wanted = call.query("client_id");
    let own = state.world.entries("/service_principals").find(|(_, principal)| {
        principal["servicePrincipalType"] == "ManagedIdentity"
            && wanted.as_deref().is_none_or(|id| principal["appId"] == id)
    });
    match (own, call.query("resource")) {
        (None, _) => refuse(StatusCode::BAD_REQUEST, "invalid_request", "Identity not found"),
        (_, None) => refuse(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "Required query variable 'resource' is missing",
        ),
        (Some((_, principal)), Some(resource)) => token_of_machine(state, principal, &resource)
            .unwrap_or_else(|| {
                refuse(StatusCode::BAD_REQUEST, "invalid_resource", "The resource is not known.")
            }),
    }
}
