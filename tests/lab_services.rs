//! Graph, the Exchange admin API and EWS of the lab, driven by a plain HTTP client: what they answer
//! must follow from the world alone, in the shapes that Microsoft documents.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod support;

use std::{path::Path, process::Command};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use syncready::lab::Scenario;

use support::*;

#[tokio::test]
async fn graph_wants_a_token_that_was_made_for_it() {
    let bench = Bench::new("online-graph-app", &json!({})).await;
    let path = format!("/v1.0/users/{SVC}");
    for token in ["x".to_owned(), bench.app(READER, OUTLOOK).await] {
        let (status, body) = bench.graph(&token, &path).await;
        assert_eq!((status, &body["error"]["code"]), (401, &json!("InvalidAuthenticationToken")));
        assert!(body["error"]["innerError"]["request-id"].is_string());
    }
}

#[tokio::test]
async fn a_user_shows_what_was_selected_and_a_small_set_unasked() {
    let bench = Bench::new("online-graph-app", &json!({})).await;
    let token = bench.app(READER, GRAPH).await;
    let (_, unasked) = bench.graph(&token, "/v1.0/users/svc-sync%40contoso.com").await;
    assert!(unasked.get("accountEnabled").is_none() && unasked.get("x").is_none());
    assert_eq!(unasked["displayName"], "Sync Service");
    let (_, selected) =
        bench.graph(&token, "/v1.0/users/svc-sync@contoso.com?$select=accountEnabled,ageGroup").await;
    assert_eq!((&selected["accountEnabled"], &selected["ageGroup"]), (&json!(true), &Value::Null));
    assert!(selected.get("displayName").is_none());
    let (status, wrong) = bench.graph(&token, "/v1.0/users/svc-sync@contoso.com?$select=acountEnabled").await;
    assert_eq!(status, 400, "{wrong}");
    let (status, alias) = bench.graph(&token, "/v1.0/users/svc-sync@contoso.onmicrosoft.com").await;
    assert_eq!((status, &alias["error"]["code"]), (404, &json!("Request_ResourceNotFound")));
}

#[tokio::test]
async fn users_are_found_by_any_address_and_by_no_other_filter() {
    let bench = Bench::new("online-graph-app", &json!({})).await;
    let token = bench.app(READER, GRAPH).await;
    let filter = "proxyAddresses/any(p:p%20eq%20'smtp:svc-sync@contoso.onmicrosoft.com')%20or%20userPrincipalName%20eq%20'x'";
    let (_, found) = bench.graph(&token, &format!("/v1.0/users?$filter={filter}&$select=id")).await;
    assert_eq!(found["value"], json!([{"id": SVC}]));
    let (status, body) = bench.graph(&token, "/v1.0/users?$filter=jobTitle%20eq%20'x'").await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("Request_UnsupportedQuery")));
}

#[tokio::test]
async fn the_last_sign_in_is_asked_by_id_in_a_tenant_that_paid_for_it() {
    let bench = Bench::new("online-delegated", &json!({})).await;
    let token = bench.app(READER, GRAPH).await;
    assert_eq!(bench.graph(&token, "/v1.0/users/svc-sync@contoso.com?$select=signInActivity").await.0, 400);
    assert_eq!(bench.graph(&token, &format!("/v1.0/users/{SVC}?$select=signInActivity")).await.0, 200);
    let poor = Bench::new("online-delegated", &json!({"tenant": {"premium": false}})).await;
    let token = poor.app(READER, GRAPH).await;
    let unpaid = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";
    for path in [format!("/v1.0/users/{SVC}?$select=signInActivity"), "/v1.0/auditLogs/signIns".to_owned()] {
        let (status, body) = poor.graph(&token, &path).await;
        assert_eq!((status, &body["error"]["code"]), (403, &json!(unpaid)));
    }
    let path = format!(
        "/v1.0/roleManagement/directory/roleEligibilityScheduleInstances?$filter=principalId%20eq%20'{SVC}'"
    );
    let (status, body) = poor.graph(&token, &path).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("AadPremiumLicenseRequired")));
}

#[tokio::test]
async fn a_missing_permission_is_denied_and_an_unknown_path_is_none() {
    let patch = json!({"service_principals": {"reader": {"x": {"app_role_assignments": {"audit": null}}}}});
    let bench = Bench::new("online-delegated", &patch).await;
    let token = bench.app(READER, GRAPH).await;
    let (status, body) = bench.graph(&token, "/v1.0/auditLogs/signIns").await;
    assert_eq!((status, &body["error"]["code"]), (403, &json!("Authorization_RequestDenied")));
    let (status, body) = bench.graph(&token, "/v1.0/auditLogs/signOuts").await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("BadRequest")));
    assert_eq!(bench.graph(&token, &format!("/v1.0/users/{SVC}/authentication/requirements")).await.0, 400);
    let (_, beta) = bench.graph(&token, &format!("/beta/users/{SVC}/authentication/requirements")).await;
    assert_eq!(beta["perUserMfaState"], "disabled");
}

#[tokio::test]
async fn granted_roles_lead_to_permissions_of_the_resource() {
    let bench = Bench::new("online-ews-app", &json!({})).await;
    let token = bench.app(READER, GRAPH).await;
    let path = format!("/v1.0/servicePrincipals(appId='{PRODUCT}')/appRoleAssignments?$top=999");
    let (_, granted) = bench.graph(&token, &path).await;
    let path = "/v1.0/servicePrincipals?$filter=appId%20eq%20'00000002-0000-0ff1-ce00-000000000000'";
    let (_, resource) = bench.graph(&token, path).await;
    let resource = &resource["value"][0];
    assert_eq!(granted["value"][0]["resourceId"], resource["id"]);
    let roles = resource["appRoles"].as_array().unwrap();
    let role = roles.iter().find(|role| role["id"] == granted["value"][0]["appRoleId"]).unwrap();
    assert_eq!(role["value"], "full_access_as_app");
}

#[tokio::test]
async fn a_federated_domain_shows_its_signing_certificate_with_the_end_that_the_world_says() {
    let federation =
        json!({"issuerUri": "http://sts.contoso.com", "x": {"not_after": "2027-01-15T00:00:00Z"}});
    let bench = Bench::new(
        "online-delegated",
        &json!({"domains": {"contoso.com": {"x": {"federation": federation}}}}),
    )
    .await;
    let token = bench.app(READER, GRAPH).await;
    let (_, body) = bench.graph(&token, "/v1.0/domains/contoso.com/federationConfiguration").await;
    let der = BASE64_STANDARD.decode(body["value"][0]["signingCertificate"].as_str().unwrap()).unwrap();
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
    assert_eq!(certificate.validity().not_after.timestamp(), 1_799_971_200);
    assert_eq!(
        bench.graph(&token, "/v1.0/domains/contoso.onmicrosoft.com/federationConfiguration").await.0,
        404
    );
}

#[tokio::test]
async fn a_batch_answers_each_item_for_itself() {
    let bench = Bench::new("online-graph-app", &json!({})).await;
    let token = bench.app(READER, GRAPH).await;
    let body = json!({"requests": [
        {"id": "1", "method": "GET", "url": "/users/nobody@contoso.com"},
        {"id": "2", "method": "GET", "url": "/domains/contoso.com"},
        {"id": "3", "method": "GET", "url": "/domains/contoso.com", "dependsOn": ["1"]}]});
    let (status, answer) = bench.post(GRAPH, &token, "/v1.0/$batch", &body).await;
    let statuses: Vec<_> =
        answer["responses"].as_array().unwrap().iter().map(|item| &item["status"]).collect();
    assert_eq!((status, statuses), (200, vec![&json!(404), &json!(200), &json!(424)]));
    let item = |n| json!({"id": n, "method": "GET", "url": "/domains"});
    let many: Vec<Value> = (0..21).map(|n: u32| item(n.to_string())).collect();
    assert_eq!(bench.post(GRAPH, &token, "/v1.0/$batch", &json!({"requests": many})).await.0, 400);
    let twice = json!({"requests": [item("a".to_owned()), item("A".to_owned())]});
    assert_eq!(bench.post(GRAPH, &token, "/v1.0/$batch", &twice).await.0, 400);
}

#[tokio::test]
async fn what_if_lets_an_exclusion_win_and_says_what_it_cannot_know() {
    let policy = |conditions: Value| {
        let mut policy = json!({"id": "p", "displayName": "MFA", "state": "enabled",
            "conditions": {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]}},
            "grantControls": {"operator": "OR", "builtInControls": ["mfa"]}, "sessionControls": null});
        for (name, value) in conditions.as_object().unwrap() {
            policy["conditions"][name] = value.clone();
        }
        policy
    };
    let excluded = json!({"users": {"includeUsers": ["All"], "excludeGroups": ["9a9a9a9a-0000-4000-8000-000000000001"]}});
    let place = json!({"locations": {"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]}});
    let patch = json!({"policies": {
        "conditional_access": {"a": policy(json!({})), "b": policy(excluded), "c": policy(place)},
        "named_locations": {"hq": {"@odata.type": "#microsoft.graph.ipNamedLocation", "id": "hq", "isTrusted": true,
            "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.0/24"}]}}}});
    let bench = Bench::new("online-delegated", &patch).await;
    let token = bench.app(READER, GRAPH).await;
    let ask = |conditions: Value| {
        json!({"signInIdentity": {"@odata.type": "#microsoft.graph.userSignIn", "userId": SVC},
            "signInContext": {"@odata.type": "#microsoft.graph.applicationContext",
                "includeApplications": ["00000002-0000-0ff1-ce00-000000000000"]},
            "signInConditions": conditions, "appliedPoliciesOnly": false})
    };
    let reasons = async |conditions: Value| {
        let evaluate = "/v1.0/identity/conditionalAccess/evaluate";
        let (status, body) = bench.post(GRAPH, &token, evaluate, &ask(conditions)).await;
        assert_eq!(status, 200, "{body}");
        let rows = body["value"].as_array().unwrap().clone();
        rows.iter().map(|row| row["analysisReasons"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(reasons(json!({"ipAddress": "203.0.113.7"})).await, ["notSet", "users", "location"]);
    assert_eq!(reasons(json!({"ipAddress": "198.51.100.7"})).await, ["notSet", "users", "notSet"]);
    assert_eq!(reasons(json!({})).await, ["notSet", "users", "notEnoughInformation,location"]);
}

#[tokio::test]
async fn mailbox_data_needs_its_own_permission_and_a_scope_that_holds_the_mailbox() {
    let restrict = json!({"AppId": PRODUCT, "AccessRight": "RestrictAccess", "ScopeName": "s", "x": {"members": ["sales"]}});
    let bench =
        Bench::new("online-graph-app", &json!({"exchange": {"access_policies": {"r": restrict}}})).await;
    let (product, reader) = (bench.app(PRODUCT, GRAPH).await, bench.app(READER, GRAPH).await);
    assert_eq!(
        bench.graph(&product, "/v1.0/users/alice@contoso.com/contactFolders?$top=1&$select=id").await.0,
        200
    );
    let (_, calendars) =
        bench.graph(&product, "/v1.0/users/alice@contoso.com/calendars?$select=name,owner").await;
    assert_eq!(calendars["value"][0]["owner"]["address"], "alice@contoso.com");
    let (status, outside) = bench.graph(&product, &format!("/v1.0/users/{SVC}/calendars")).await;
    assert_eq!((status, &outside["error"]["code"]), (403, &json!("ErrorAccessDenied")));
    assert!(outside["error"]["message"].as_str().unwrap().contains("[RAOP]"));
    let (status, denied) = bench.graph(&reader, "/v1.0/users/alice@contoso.com/mailFolders/inbox").await;
    assert_eq!((status, &denied["error"]["code"]), (403, &json!("ErrorAccessDenied")));
}

#[tokio::test]
async fn without_a_mailbox_plan_graph_serves_no_mailbox() {
    let bench = Bench::new(
        "online-graph-app",
        &json!({"users": {"svc": {"x": {"licenses": {"exchange": "AAD_PREMIUM"}}}}}),
    )
    .await;
    let token = bench.app(PRODUCT, GRAPH).await;
    let (status, body) = bench.graph(&token, &format!("/v1.0/users/{SVC}/contactFolders")).await;
    assert_eq!((status, &body["error"]["code"]), (404, &json!("MailboxNotEnabledForRESTAPI")));
    let (status, body) = bench.graph(&token, "/v1.0/users/nobody@contoso.com/contactFolders").await;
    assert_eq!((status, &body["error"]["code"]), (404, &json!("ErrorInvalidUser")));
}

#[tokio::test]
async fn a_signed_in_user_opens_other_mailboxes_by_full_access_only() {
    let bench = Bench::new(
        "online-delegated",
        &json!({"exchange": {"mailboxes": {"bob": {"x": {"full_access": null}}}}}),
    )
    .await;
    let token = bench.user("https://graph.microsoft.com/Contacts.ReadWrite https://graph.microsoft.com/Contacts.ReadWrite.Shared").await;
    let folders = async |who: &str| bench.graph(&token, &format!("/v1.0/users/{who}/contactFolders")).await;
    assert_eq!(folders(SVC).await.0, 200);
    assert_eq!(folders("alice@contoso.com").await.0, 200);
    let (status, body) = folders("bob@contoso.com").await;
    assert_eq!((status, &body["error"]["code"]), (403, &json!("ErrorAccessDenied")));
}

#[tokio::test]
async fn the_admin_api_tests_policies_by_membership_not_by_ownership() {
    let patch = json!({
        "groups": {"scope": {"id": "9a9a9a9a-0000-4000-8000-000000000009", "x": {"owners": ["svc"]}}},
        "users": {"alice": {"x": {"groups": ["scope"]}}},
        "exchange": {"access_policies": {"r": {"AppId": PRODUCT, "AccessRight": "RestrictAccess", "ScopeName": "s", "x": {"members": ["scope"]}}}}});
    let bench = Bench::new("online-graph-app", &patch).await;
    let test = async |who: &str| {
        let (_, body) =
            bench.cmdlet("Test-ApplicationAccessPolicy", json!({"Identity": who, "AppId": PRODUCT})).await;
        body["value"][0]["AccessCheckResult"].clone()
    };
    assert_eq!(
        (test("alice@contoso.com").await, test("svc-sync@contoso.com").await),
        (json!("Granted"), json!("Denied"))
    );
    let (status, body) = bench.cmdlet("Get-Mailbox", json!({"Identity": "nobody@contoso.com"})).await;
    let deepest = &body["error"]["innererror"]["internalException"]["message"];
    assert!(status == 400 && deepest.as_str().unwrap().contains("couldn't be found"), "{body}");
}

#[tokio::test]
async fn the_admin_api_wants_a_directory_role() {
    let bench = Bench::new(
        "online-ews-app",
        &json!({"service_principals": {"reader": {"x": {"roles": {"reader": null}}}}}),
    )
    .await;
    assert_eq!(bench.cmdlet("Get-OrganizationConfig", json!({})).await.0, 403);
}

#[tokio::test]
async fn exchange_server_challenges_counts_wrong_passwords_and_lets_the_right_one_in() {
    let bench = Bench::new("exchange-server", &json!({})).await;
    let host = "mail.contoso.com";
    let anonymous =
        Soap::read(bench.http.post(bench.url(host, "/EWS/Exchange.asmx")).send().await.unwrap()).await;
    let offered: Vec<_> =
        anonymous.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(
        (anonymous.status, offered),
        (401, vec!["Negotiate", "NTLM", "Basic realm=\"mail.contoso.com\""])
    );
    let right = basic(&bench.secret("account-password"));
    let folder = bench.ews(host, &right, inbox("")).await;
    assert_eq!((folder.status, folder.element("ResponseCode").as_str()), (200, "NoError"));
    for _ in 0..5 {
        assert_eq!(bench.ews(host, &basic("wrong"), inbox("")).await.status, 401);
    }
    assert_eq!(bench.ews(host, &right, inbox("")).await.status, 401);
}

#[tokio::test]
async fn exchange_server_impersonates_within_its_scope_and_by_primary_address() {
    let patch =
        json!({"ews": {"impersonators": {"svc": {"allow": ["alice@contoso.com", "svc-sync@contoso.com"]}}}});
    let bench = Bench::new("exchange-server", &patch).await;
    let sign_in = basic(&bench.secret("account-password"));
    let ask = async |target: &str| bench.ews("mail.contoso.com", &sign_in, inbox(target)).await;
    assert_eq!(ask("alice@contoso.com").await.element("ResponseCode"), "NoError");
    for (target, code) in [
        ("bob@contoso.com", "ErrorImpersonateUserDenied"),
        ("nobody@contoso.com", "ErrorNonExistentMailbox"),
        ("sync@contoso.com", "ErrorNonPrimarySmtpAddress"),
        (" ", "ErrorInvalidExchangeImpersonationHeaderData"),
        ("bob", "ErrorInvalidSmtpAddress"),
    ] {
        let fault = ask(target).await;
        assert_eq!((fault.status, fault.element("ResponseCode").as_str()), (500, code));
        assert_eq!(fault.element("faultcode"), format!("a:{code}"));
    }
    assert_eq!(ask("sync@contoso.com").await.value("Primary"), "svc-sync@contoso.com");
}

#[tokio::test]
async fn the_cloud_says_by_header_which_switch_keeps_a_caller_out() {
    let (off, list) =
        ("EWS is disabled for this user or tenant", "EWS is blocked by policy for this user or tenant");
    for (exchange, reason) in [
        (json!({"organization": {"EwsEnabled": false}}), off),
        (json!({"organization": {"EwsAllowedAppIDs": null}}), list),
        (json!({"organization": {"EwsAllowedAppIDs": "00000000-0000-4000-8000-000000000001"}}), list),
        (json!({"mailboxes": {"alice": {"cas": {"EwsEnabled": false}}}}), off),
        (
            json!({"organization": {"EwsApplicationAccessPolicy": "EnforceAllowList", "EwsAllowList": ["Other/*"]}}),
            list,
        ),
        (
            json!({"organization": {"EwsApplicationAccessPolicy": "EnforceAllowList", "EwsAllowList": ["Product/*"]}}),
            "",
        ),
        (json!({"organization": {"EwsEnabled": null, "EwsAllowedAppIDs": null}}), ""),
    ] {
        let bench = Bench::new("online-ews-app", &json!({"exchange": exchange})).await;
        let token = format!("Bearer {}", bench.app(PRODUCT, OUTLOOK).await);
        let answer = bench.ews(OUTLOOK, &token, inbox("alice@contoso.com")).await;
        assert_eq!(answer.header("x-ews-policy-reason"), reason, "{exchange}");
        assert_eq!(answer.status, if reason.is_empty() { 200 } else { 403 }, "{exchange}");
    }
}

#[tokio::test]
async fn in_the_cloud_an_app_must_impersonate_and_a_user_cannot() {
    let bench = Bench::new("online-ews-app", &json!({})).await;
    let app = format!("Bearer {}", bench.app(PRODUCT, OUTLOOK).await);
    let fault = bench.ews(OUTLOOK, &app, inbox("")).await;
    assert_eq!(
        (fault.status, fault.element("ResponseCode").as_str()),
        (500, "ErrorInvalidExchangeImpersonationHeaderData")
    );
    let foreign = format!("Bearer {}", bench.app(READER, GRAPH).await);
    let refused = bench.ews(OUTLOOK, &foreign, inbox("")).await;
    assert!(refused.status == 401 && refused.header("x-ms-diagnostics").starts_with("2000003;"));
    assert!(
        refused
            .header("www-authenticate")
            .starts_with("Bearer client_id=\"00000002-0000-0ff1-ce00-000000000000\"")
    );
    let grants = json!({"ews": {"consentType": "AllPrincipals", "resource": "exchange", "scope": "EWS.AccessAsUser.All"}});
    let patch = json!({"service_principals": {"product": {"x": {"oauth2_grants": grants}}}});
    let bench = Bench::new("online-delegated", &patch).await;
    let user = format!("Bearer {}", bench.user("https://outlook.office365.com/EWS.AccessAsUser.All").await);
    assert_eq!(bench.ews(OUTLOOK, &user, inbox("")).await.element("ResponseCode"), "NoError");
    let denied = bench.ews(OUTLOOK, &user, inbox("svc-sync@contoso.com")).await;
    assert_eq!((denied.status, denied.element("ResponseCode").as_str()), (500, "ErrorImpersonateUserDenied"));
}

#[tokio::test]
async fn a_crowd_is_listed_page_by_page_and_in_its_group() {
    let patch = json!({ "crowd": { "count": 2500, "variants": { "outside": { "every": 100 } } } });
    let bench = Bench::new("online-graph-app", &patch).await;
    let token = bench.app(READER, GRAPH).await;
    let group = "/v1.0/groups/9a9a9a9a-0000-4000-8000-000000000001/transitiveMembers/microsoft.graph.user";
    for (list, wanted, outside) in [("/v1.0/users", 3, true), (group, 3, false)] {
        let (mut place, mut mails) = (format!("{list}?$select=id,mail&$top=999"), Vec::new());
        for number in 1.. {
            let (status, body) = bench.graph(&token, &place).await;
            assert_eq!(status, 200, "{body}");
            for row in body["value"].as_array().unwrap() {
                assert_eq!(row.as_object().unwrap().len(), 2, "{row}");
                mails.extend(row["mail"].as_str().map(str::to_owned));
            }
            let Some(next) = body["@odata.nextLink"].as_str() else {
                assert_eq!(number, wanted);
                break;
            };
            place = next.split_once(GRAPH).unwrap().1.to_owned();
        }
        let crowd: Vec<_> = mails.iter().filter(|mail| mail.starts_with("box")).collect();
        assert_eq!(crowd.len(), if outside { 2500 } else { 2475 });
        assert_eq!(crowd.first().map(|mail| mail.as_str()), Some("box0000001@contoso.com"));
        assert_eq!(mails.contains(&"box0000100@contoso.com".to_owned()), outside);
    }
    let one = "/v1.0/users?$filter=proxyAddresses/any(p:p eq 'smtp:alias0001234@contoso.com')&$select=mail";
    let (_, found) = bench.graph(&token, one).await;
    assert_eq!(found["value"], json!([{ "mail": "box0001234@contoso.com" }]));
    let (_, all) = bench.graph(&token, "/v1.0/users?$count=true&$top=1").await;
    assert!(all["@odata.count"].as_u64().unwrap() > 2500, "{all}");
}

#[tokio::test]
async fn the_mailboxes_of_a_crowd_are_reached_and_refused_as_any_other() {
    let patch = json!({
        "crowd": { "count": 100, "variants": { "alias": { "every": 10, "at": 1 }, "none": { "every": 10, "at": 2 },
            "ews-off": { "every": 10, "at": 3 }, "outside": { "every": 10, "at": 4 } } },
        "exchange": { "access_policies": { "outside": { "AppId": PRODUCT, "AccessRight": "DenyAccess",
            "x": { "members": ["outside"] } } } } });
    let bench = Bench::new("online-ews-app", &patch).await;
    let token = format!("Bearer {}", bench.app(PRODUCT, OUTLOOK).await);
    let ask =
        async |number: u32| bench.ews(OUTLOOK, &token, inbox(&format!("box{number:07}@contoso.com"))).await;
    assert_eq!(ask(100).await.element("ResponseCode"), "NoError");
    assert_eq!(ask(11).await.element("ResponseCode"), "ErrorNonPrimarySmtpAddress");
    assert_eq!(ask(12).await.element("ResponseCode"), "ErrorNonExistentMailbox");
    assert_eq!(ask(13).await.status, 403);
    assert_eq!(ask(14).await.status, 403);
    let graph = Bench::new("online-graph-app", &patch).await;
    let token = graph.app(PRODUCT, GRAPH).await;
    let read = async |number: u32| {
        graph.graph(&token, &format!("/v1.0/users/box{number:07}@contoso.com/contactFolders")).await
    };
    assert_eq!(read(11).await.0, 200);
    assert_eq!(read(12).await.1["error"]["code"], "MailboxNotEnabledForRESTAPI");
    assert_eq!(read(14).await.1["error"]["code"], "ErrorAccessDenied");
}

#[tokio::test]
async fn a_crowd_on_exchange_server_is_in_the_scopes_that_list_their_members() {
    let text = "description = 'x'\nworld = 'exchange-server'\nverdict = 'ready'\n";
    let scenario = Scenario::parse("x", text).unwrap().with_mailboxes(5).unwrap();
    let bench = Bench::serve(&scenario).await;
    let authorization = basic(&bench.secret("account-password"));
    let answer = bench.ews("mail.contoso.com", &authorization, inbox("box0000005@contoso.com")).await;
    assert_eq!(answer.element("ResponseCode"), "NoError");
    let answer = bench.ews("mail.contoso.com", &authorization, inbox("box0000006@contoso.com")).await;
    assert_eq!(answer.element("ResponseCode"), "ErrorNonExistentMailbox");
}

#[tokio::test]
async fn a_request_against_the_schema_is_told_its_line() {
    let bench = Bench::new("exchange-server", &json!({})).await;
    let sign_in = basic(&bench.secret("account-password"));
    let ask = async |body: String| bench.ews("mail.contoso.com", &sign_in, body).await;
    let order = "<m:GetFolder>\n<m:FolderIds><t:DistinguishedFolderId Id=\"inbox\"/></m:FolderIds><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape></m:GetFolder>";
    for broken in
        [envelope("", order), envelope("", &get_folder("IdOnly", &["kontakte"])), "<a>\n<b></a>".to_owned()]
    {
        let fault = ask(broken).await;
        assert_eq!((fault.status, fault.element("ResponseCode").as_str()), (500, "ErrorSchemaValidation"));
        assert!(
            fault.value("LineNumber").parse::<u32>().unwrap() > 0 && !fault.value("Violation").is_empty()
        );
    }
    assert_eq!(ask(envelope("", order)).await.value("LineNumber"), "2");
    assert_eq!(ask(envelope("", "<m:GetUnicorn/>")).await.element("ResponseCode"), "ErrorInvalidRequest");
}

#[tokio::test]
async fn a_busy_server_says_how_long_to_wait() {
    let patch = json!({"ews": {"mailbox_errors": {"svc-sync@contoso.com": {"code": "ErrorServerBusy", "back_off_ms": 4321}}}});
    let bench = Bench::new("exchange-server", &patch).await;
    let fault = bench.ews("mail.contoso.com", &basic(&bench.secret("account-password")), inbox("")).await;
    assert_eq!((fault.status, fault.value("BackOffMilliseconds").as_str()), (500, "4321"));
}

#[tokio::test]
async fn forms_authentication_redirects_everything() {
    let bench = Bench::new("exchange-server", &json!({"ews": {"logon_form": true}})).await;
    let answer = bench.ews("mail.contoso.com", &basic("x"), inbox("")).await;
    assert_eq!(answer.status, 302);
    assert!(answer.header("location").starts_with("https://mail.contoso.com/owa/auth/logon.aspx?url="));
}

#[tokio::test]
async fn answers_fit_microsofts_schema() {
    let folder = std::env::var("EWS_SCHEMA").unwrap_or_default();
    let schema = Path::new(&folder).join("soap-envelope.xsd");
    if !schema.is_file() || Command::new("xmllint").arg("--version").output().is_err() {
        eprintln!("SKIPPED: this test needs xmllint, and EWS_SCHEMA, a folder with soap-envelope.xsd");
        return;
    }
    let folder = |path: &str, class: &str| json!({"path": path, "class": class, "permissions": {"svc": "Owner", "Default": "FolderVisible"}});
    let folders = json!({"a": folder("\\A", "IPF.Contact"), "b": folder("\\B", "IPF.Appointment"), "c": folder("\\C", "IPF.Note")});
    let bench = Bench::new("exchange-server", &json!({"exchange": {"public_folders": folders}})).await;
    let sign_in = basic(&bench.secret("account-password"));
    for (number, operation) in operations().iter().enumerate() {
        let answer = bench.ews("mail.contoso.com", &sign_in, envelope("", operation)).await;
        let file = bench.lab.folder().join(format!("{number}.xml"));
        std::fs::write(&file, answer.text).unwrap();
        let output =
            Command::new("xmllint").arg("--noout").arg("--schema").args([&schema, &file]).output().unwrap();
        assert!(output.status.success(), "{operation}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// One request for every kind of answer.
fn operations() -> Vec<String> {
    let all = [
        "inbox",
        "calendar",
        "contacts",
        "tasks",
        "root",
        "msgfolderroot",
        "publicfoldersroot",
        "archiveroot",
    ];
    let parent = "<m:ParentFolderIds><t:DistinguishedFolderId Id=\"msgfolderroot\"/></m:ParentFolderIds>";
    let shape = "<t:BaseShape>AllProperties</t:BaseShape>";
    let mut found: Vec<_> =
        ["IdOnly", "Default", "AllProperties"].iter().map(|shape| get_folder(shape, &all)).collect();
    found.push(format!(
        "<m:FindFolder Traversal=\"Deep\"><m:FolderShape>{shape}</m:FolderShape>{parent}</m:FindFolder>"
    ));
    found.push(format!(
        "<m:FindItem Traversal=\"Shallow\"><m:ItemShape>{shape}</m:ItemShape>{parent}</m:FindItem>"
    ));
    let public =
        "<t:AdditionalProperties><t:FieldURI FieldURI=\"folder:PermissionSet\"/></t:AdditionalProperties>";
    found.push(format!(
        "<m:FindFolder Traversal=\"Shallow\"><m:FolderShape>{shape}{public}</m:FolderShape>\
         <m:IndexedPageFolderView MaxEntriesReturned=\"2\" Offset=\"1\" BasePoint=\"Beginning\"/>\
         <m:ParentFolderIds><t:DistinguishedFolderId Id=\"publicfoldersroot\"/></m:ParentFolderIds></m:FindFolder>"
    ));
    for name in ["svc-sync@contoso.com", "nobody", "o"] {
        found.push(format!("<m:ResolveNames ReturnFullContactData=\"false\"><m:UnresolvedEntry>{name}</m:UnresolvedEntry></m:ResolveNames>"));
    }
    found.push("<m:GetUnicorn/>".to_owned());
    found
}
