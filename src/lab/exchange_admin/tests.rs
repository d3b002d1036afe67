use serde_json::json;

use super::*;

fn world() -> Value {
    json!({ "tenant": { "id": "t", "domain": "contoso.com", "initial_domain": "contoso.onmicrosoft.com" },
        "exchange": {
            "organization": { "EwsEnabled": true, "EwsAllowedAppIDs": "a,b" },
            "mailboxes": {
                "svc": { "PrimarySmtpAddress": "svc@contoso.com", "RecipientTypeDetails": "UserMailbox", "Alias": "svc" },
                "old": { "PrimarySmtpAddress": "old@contoso.com", "x": { "soft_deleted": true } } },
            "service_principals": { "p": { "AppId": "app", "ObjectId": "object", "DisplayName": "Product" } },
            "role_assignments": { "r": { "app": "app", "role": "Application EWS.AccessAsApp", "members": [] } } } })
}

fn run(claims: Value, cmdlet: &str, parameters: &Value) -> (u16, Value) {
    let input = json!({ "CmdletInput": { "CmdletName": cmdlet, "Parameters": parameters } });
    let ask = Ask {
        method: "POST".into(),
        host: "outlook.office365.com".into(),
        path: "/adminapi/beta/contoso.com/InvokeCommand".into(),
        body: input.to_string().into_bytes(),
        claims: Some(claims.into()),
        ..Ask::default()
    };
    let answer = answer(View::new(&world(), None), &ask);
    (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
}

fn reader() -> Value {
    json!({ "aud": "https://outlook.office365.com", "idtyp": "app", "roles": ["Exchange.ManageAsApp"],
        "wids": ["f2ef992c-3afb-46b9-b7cf-a126ee74c451"] })
}

#[test]
fn the_allow_list_comes_only_with_its_switch() {
    let (_, plain) = run(reader(), "Get-OrganizationConfig", &json!({}));
    assert!(plain["value"][0].get("EwsAllowedAppIDs").is_none());
    assert_eq!(plain["value"][0]["EwsEnabled"], true);
    let (_, full) =
        run(reader(), "Get-OrganizationConfig", &json!({ "RetrieveEwsOperationAccessPolicy": true }));
    assert_eq!(full["value"][0]["EwsAllowedAppIDs"], "a,b");
}

#[test]
fn a_caller_needs_audience_permission_and_role() {
    let cmdlet = "Get-OrganizationConfig";
    let with = |name: &str, value: Value| {
        let mut claims = reader();
        claims[name] = value;
        run(claims, cmdlet, &json!({})).0
    };
    assert_eq!(with("aud", json!("https://graph.microsoft.com")), 401);
    assert_eq!(with("roles", json!([])), 401);
    assert_eq!(with("wids", json!([])), 403);
    assert_eq!(with("idtyp", json!("app")), 200);
}

#[test]
fn unknown_objects_cmdlets_and_parameters_are_told_apart_by_the_deepest_text() {
    let deepest = |cmdlet: &str, parameters: &Value| {
        let (status, body) = run(reader(), cmdlet, parameters);
        assert_eq!(status, 400);
        body["error"]["innererror"]["internalException"]["message"].as_str().unwrap_or_default().to_owned()
    };
    assert!(
        deepest("Get-Mailbox", &json!({ "Identity": "nobody@contoso.com" })).contains("couldn't be found")
    );
    assert!(deepest("Get-Mailboxes", &json!({})).contains("is not recognized"));
    assert!(
        deepest("Get-Mailbox", &json!({ "Identify": "x" })).contains("matches parameter name 'Identify'")
    );
    assert!(
        deepest("Test-ApplicationAccessPolicy", &json!({ "AppId": "x" }))
            .contains("mandatory parameters: Identity")
    );
}

#[test]
fn a_soft_deleted_mailbox_is_found_only_with_its_switch() {
    assert_eq!(run(reader(), "Get-Mailbox", &json!({ "Identity": "old@contoso.com" })).0, 400);
    let (status, _) =
        run(reader(), "Get-Mailbox", &json!({ "Identity": "old@contoso.com", "SoftDeletedMailbox": true }));
    assert_eq!(status, 200);
}

#[test]
fn the_role_test_says_what_was_not_run() {
    let cmdlet = "Test-ServicePrincipalAuthorization";
    let (_, without) = run(reader(), cmdlet, &json!({ "Identity": "app" }));
    assert_eq!(without["value"][0]["InScope"], "Not Run");
    let (_, with) = run(reader(), cmdlet, &json!({ "Identity": "app", "Resource": "svc@contoso.com" }));
    assert_eq!(with["value"][0]["InScope"], "False");
}
