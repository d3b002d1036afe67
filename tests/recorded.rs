//! Answers and schemas that stand outside this repository: Microsoft's schema of Exchange Web
//! Services, and answers of real servers and of other projects' tests.
//!
//! They lie in the folder that `SYNCREADY_REFERENCE` names, else in `reference` of a `shared` folder
//! beside one of the folders above. Where there is none, these tests say so and pass.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use syncready::collect::{license, policies, sign_in_log};
use syncready::wire::ews::{Mailbox, Parent, find_folders, get_folder, get_inbox};
use syncready::wire::json;
use syncready::wire::sign_in;
use syncready::wire::soap::{self, Class, Content, RequestVersion, ServerVersion, Statement};

fn reference() -> Option<PathBuf> {
    let named = std::env::var_os("SYNCREADY_REFERENCE").map(PathBuf::from);
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(1).take(3);
    let found = named.into_iter().chain(above.map(|folder| folder.join("shared/reference")));
    found.into_iter().find(|folder| folder.is_dir())
}

/// Says on the terminal itself, past the captured output, that nothing was proven.
fn skip(what: &str) {
    let text = format!("SKIPPED: {what}\n");
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn recorded(name: &str) -> Option<soap::Answer> {
    let Some(folder) = reference() else {
        skip(&format!("{name}: no reference folder (set SYNCREADY_REFERENCE)"));
        return None;
    };
    let body = std::fs::read(folder.join("recorded").join(name)).expect("the folder holds the answer");
    Some(soap::read(&body).expect("an answer of Exchange Web Services"))
}

fn only(answer: &soap::Answer) -> (Class, &Statement) {
    match &answer.content {
        Content::Messages(messages) if messages.len() == 1 => (messages[0].0, &messages[0].1),
        other => panic!("one message expected: {other:?}"),
    }
}

fn assert_success(name: &str, version: Option<(u32, u32, u32, u32)>) {
    let Some(answer) = recorded(name) else { return };
    let (class, statement) = only(&answer);
    assert_eq!((class, statement.code.as_deref()), (Class::Success, Some("NoError")), "{name}");
    let version =
        version.map(|(major, minor, build, revision)| ServerVersion { major, minor, build, revision });
    assert_eq!(answer.server, version, "{name}");
}

#[test]
fn answers_of_the_documentation_are_read() {
    for (name, build) in [
        ("ews-doc-createitem-contact.xml", 602),
        ("ews-doc-deleteitem.xml", 595),
        ("ews-doc-getfolder.xml", 628),
    ] {
        assert_success(name, Some((8, 0, build, 0)));
    }
}

#[test]
fn further_answers_of_the_documentation_are_read() {
    for name in
        ["ews-doc-getitem-contact.xml", "ews-doc-syncfolderitems.xml", "ews-doc-updateitem-contact.xml"]
    {
        let Some(answer) = recorded(name) else { return };
        assert_eq!(only(&answer).1.code.as_deref(), Some("NoError"), "{name}");
    }
}

#[test]
fn answers_of_exchange_online_are_read() {
    assert_success("ews-exo-availability.xml", Some((15, 1, 1531, 7)));
    assert_success("ews-exo-calendarview-3.xml", Some((15, 1, 447, 27)));
    assert_success("ews-exo-createitem-appointment.xml", Some((15, 1, 325, 20)));
    assert_success("ews-exo-finditem-allproperties.xml", Some((15, 1, 213, 13)));
    assert_success("ews-exo-resolvenames-contact.xml", Some((15, 1, 190, 19)));
}

#[test]
fn a_busy_server_says_how_long_to_wait() {
    let Some(answer) = recorded("ews-exl-error-server-busy.xml") else { return };
    let Content::Fault(statement) = answer.content else { panic!("a fault expected") };
    assert_eq!(statement.code.as_deref(), Some("ErrorServerBusy"));
    assert_eq!(statement.value("BackOffMilliseconds"), Some("297749"));
}

#[test]
fn an_inner_error_is_read_from_the_message_values() {
    let Some(answer) = recorded("ews-exl-inner-error.xml") else { return };
    let (class, statement) = only(&answer);
    assert_eq!(class, Class::Error);
    assert_eq!(statement.value("InnerErrorResponseCode"), Some("ErrorQuotaExceededOnDelete"));
}

#[test]
fn message_values_keep_their_names() {
    let Some(answer) = recorded("ews-exl-invalid-value-extras.xml") else { return };
    let values = [("Foo".to_owned(), "XXX".to_owned()), ("Bar".to_owned(), "YYY".to_owned())];
    assert_eq!(only(&answer).1.values, values);
}

#[test]
fn a_warning_is_no_error() {
    let Some(answer) = recorded("ews-exl-resolvenames-warning.xml") else { return };
    let (class, statement) = only(&answer);
    assert_eq!(class, Class::Warning);
    assert_eq!(statement.code.as_deref(), Some("ErrorNameResolutionMultipleResults"));
}

#[test]
fn a_default_namespace_in_the_header_is_read() {
    assert_success("ews-exl-server-timezones.xml", Some((14, 2, 390, 3)));
}

#[test]
fn a_folder_with_its_permissions_is_read() {
    let Some(answer) = recorded("ews-exl-permissionset.xml") else { return };
    assert_eq!(only(&answer).0, Class::Success);
}

/// What `xmllint` says to a text against Microsoft's schema; `None` where it cannot be asked.
fn validate(text: &str) -> Option<Result<(), String>> {
    let Some(folder) = reference() else {
        skip("schema validation: no reference folder (set SYNCREADY_REFERENCE)");
        return None;
    };
    let schema = folder.join("specs/ews/soap-envelope.xsd");
    let started = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .arg(schema)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else {
        skip("schema validation: xmllint is not installed");
        return None;
    };
    child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("xmllint reads");
    let output = child.wait_with_output().expect("xmllint ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Some(if output.status.success() { Ok(()) } else { Err(said) })
}

#[test]
fn requests_follow_microsofts_schema() {
    let address = || "svc-sync@contoso.com".to_owned();
    let mailboxes = [
        Mailbox::Own(address()),
        Mailbox::Impersonated(address()),
        Mailbox::Named("o'b&b@contoso.com".into()),
    ];
    for mailbox in mailboxes {
        for version in [RequestVersion::Exchange2013Sp1, RequestVersion::Exchange2010Sp2] {
            let requests = [
                get_inbox(&mailbox, version),
                find_folders(&mailbox, version, &Parent::Root, 0),
                find_folders(&mailbox, version, &Parent::Folder("AAEu<\"'>".into()), 500),
                get_folder(&mailbox, version, "AAEuAAA=", "folder:EffectiveRights"),
                get_folder(&mailbox, version, "AAEuAAA=", "folder:PermissionSet"),
            ];
            for request in requests {
                let Some(result) = validate(&request) else { return };
                assert_eq!(result, Ok(()), "{mailbox:?} {version:?} {request}");
            }
        }
    }
}

#[test]
fn the_validation_notices_a_wrong_order() {
    let text = get_inbox(&Mailbox::Own(String::new()), RequestVersion::Exchange2013Sp1);
    let (start, shape) = text.split_once("<m:FolderShape>").expect("a shape");
    let (shape, rest) = shape.split_once("</m:FolderShape>").expect("its end");
    let (ids, end) = rest.split_once("</m:GetFolder>").expect("the end");
    let turned = format!("{start}{ids}<m:FolderShape>{shape}</m:FolderShape></m:GetFolder>{end}");
    let Some(result) = validate(&turned) else { return };
    assert!(result.is_err());
}

/// A JSON answer of Entra or Graph.
fn recorded_json(name: &str) -> Option<serde_json::Value> {
    let Some(folder) = reference() else {
        skip(&format!("{name}: no reference folder (set SYNCREADY_REFERENCE)"));
        return None;
    };
    let body = std::fs::read(folder.join("recorded").join(name)).expect("the folder holds the answer");
    Some(json::parse(&body).expect("JSON"))
}

#[test]
fn refusals_of_the_sign_in_service_are_read() {
    for (name, error, code, codes) in [
        ("entra-device-code-pending-70016.json", "authorization_pending", 70016, 1),
        ("entra-invalid-grant-70008.json", "invalid_grant", 70008, 2),
        ("entra-invalid-request-90010.json", "invalid_request", 90010, 1),
    ] {
        let Some(body) = recorded_json(name) else { return };
        let refusal = sign_in::refusal(400, &body).expect("a refusal");
        assert_eq!(refusal.error.as_deref(), Some(error), "{name}");
        assert_eq!((refusal.code, refusal.codes.len()), (Some(code), codes), "{name}");
        assert_eq!(refusal.suberror, None, "{name}");
        assert!(refusal.trace_id.is_some() && refusal.correlation_id.is_some(), "{name}");
        let text = refusal.text.expect("a text");
        assert!(text.starts_with("AADSTS") && !text.contains("Trace"), "{name}: {text}");
    }
}

#[test]
fn what_users_may_consent_to_is_read() {
    let Some(body) = recorded_json("graph-authorizationpolicy.json") else { return };
    assert_eq!(policies::user_consent(&body), serde_json::json!(["microsoft-user-default-legacy"]));
}

#[test]
fn plans_without_exchange_are_left_out() {
    let Some(body) = recorded_json("graph-licensedetails.json") else { return };
    let skus = body["value"].as_array().expect("a list");
    assert_eq!(skus[0]["skuPartNumber"], "DEVELOPERPACK_E5");
    assert_eq!(license::plans(&body["value"], &serde_json::Value::Null), serde_json::json!([]));
}

#[test]
fn entries_of_the_sign_in_log_are_read() {
    let Some(body) = recorded_json("graph-signins.json") else { return };
    let entries = sign_in_log::entries(&body["value"]);
    let entries = entries.as_array().expect("a list");
    assert_eq!(entries.len(), body["value"].as_array().map_or(0, Vec::len));
    let first = &entries[0];
    assert_eq!((&first["error_code"], &first["country"]), (&0.into(), &"US".into()));
    assert_eq!(
        (&first["app_name"], &first["at"]),
        (&"Graph explorer".into(), &"2020-03-13T19:15:41.6195833Z".into())
    );
    // Policies that were not enabled failed nothing.
    assert_eq!(first["policies"], serde_json::json!([]));
}

/// Paths of Graph as the collectors ask them, and the permission of the call that asks.
const PATHS: &[(&str, &str)] = &[
    ("/admin/serviceAnnouncement/issues", "ServiceHealth.Read.All"),
    ("/applications(appId='{appId}')", "Application.Read.All"),
    ("/auditLogs/signIns", "AuditLog.Read.All"),
    ("/domains/{domain-id}", "Domain.Read.All"),
    ("/domains/{domain-id}/federationConfiguration", "Domain-InternalFederation.Read.All"),
    ("/identity/conditionalAccess/policies", "Policy.Read.All"),
    ("/oauth2PermissionGrants", "Directory.Read.All"),
    ("/policies/identitySecurityDefaultsEnforcementPolicy", "Policy.Read.All"),
    ("/policies/authorizationPolicy", "Policy.Read.All"),
    (
        "/reports/authenticationMethods/userRegistrationDetails/{userRegistrationDetails-id}",
        "AuditLog.Read.All",
    ),
    ("/roleManagement/directory/roleEligibilityScheduleInstances", "RoleEligibilitySchedule.Read.Directory"),
    ("/servicePrincipals(appId='{appId}')", "Application.Read.All"),
    ("/servicePrincipals/{servicePrincipal-id}/appRoleAssignments", "Application.Read.All"),
    ("/servicePrincipals/{servicePrincipal-id}/appRoleAssignedTo", "Application.Read.All"),
    ("/servicePrincipals/{servicePrincipal-id}/oauth2PermissionGrants", "Directory.Read.All"),
    ("/users/{user-id}", "User.Read.All"),
    ("/users/{user-id}/appRoleAssignments", "Directory.Read.All"),
    ("/users/{user-id}/authentication/methods", "UserAuthenticationMethod.Read.All"),
    ("/users/{user-id}/authentication/requirements", "Policy.Read.All"),
    ("/users/{user-id}/licenseDetails", "LicenseAssignment.Read.All"),
    ("/users/{user-id}/transitiveMemberOf", "Directory.Read.All"),
];

/// Paths whose answer holds what the least permission of the map does not show: more properties of a
/// user, names of roles.
const WIDER: &[&str] = &["/users/{user-id}", "/users/{user-id}/transitiveMemberOf"];

#[test]
fn the_permissions_of_the_call_table_are_those_of_microsofts_map() {
    let Some(folder) = reference() else {
        skip("permissions of Graph: no reference folder (set SYNCREADY_REFERENCE)");
        return;
    };
    let text = std::fs::read_to_string(folder.join("specs/graph/permissions.slice.json")).expect("the map");
    let map: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let mut compared = 0;
    for (path, permission) in PATHS {
        let entry = &map["paths"][path]["GET"];
        if entry.is_null() {
            continue;
        }
        compared += 1;
        let allowed: Vec<&str> =
            entry["Application"].as_array().into_iter().flatten().filter_map(|v| v.as_str()).collect();
        assert!(allowed.contains(permission), "{path}: {permission} is not in {allowed:?}");
        if !WIDER.contains(path) {
            assert_eq!(entry["least"]["Application"].as_str(), Some(*permission), "{path}");
        }
    }
    assert!(compared >= 18, "only {compared} paths could be compared");
    let used: std::collections::BTreeSet<&str> = PATHS.iter().map(|(_, permission)| *permission).collect();
    for call in syncready::collect::calls() {
        let syncready::collect::Access::Reader(grant) = call.access else { continue };
        let elsewhere = ["Exchange.", "OnPremDirectorySynchronization.", "Policy.Read.HybridAuthentication"];
        let known = used.contains(grant.permission)
            || elsewhere.iter().any(|lead| grant.permission.starts_with(lead));
        assert!(known, "{}: {} is compared with nothing", call.name, grant.permission);
    }
}
