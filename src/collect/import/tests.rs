use serde_json::{Value, json};

use super::*;
use crate::collect::{World, assemble::Gathered, testing};
use crate::facts::Section;

/// What the script prints, with PowerShell's habits in it: lists of one without brackets, arrays as
/// objects, dates as ticks, enumerations as objects.
fn file() -> Value {
    json!({
        "format": 1, "kind": "syncready-import", "made_at": "/Date(1795248000000)/",
        "tool": { "name": "syncready", "version": "0.1.0" }, "organization": "Contoso", "server": "EX01",
        "accounts": {
            "address": "svc-sync@contoso.com",
            "user": { "Name": "Sync Service", "Identity": "contoso.com/Service/Sync Service",
                "DistinguishedName": "CN=Sync Service,OU=Service,DC=contoso,DC=com",
                "SamAccountName": "svc-sync", "UserPrincipalName": "svc-sync@contoso.com" },
            "assignments": { "value": [{ "Name": "A", "AssignmentMethod": { "value": 3, "Value": "RoleGroup" } }], "Count": 1 },
            "reach": [{ "target": "svc-sync@contoso.com", "assignments": "A", "scopes": "Sync users" },
                { "target": "alice@contoso.com", "assignments": [], "scopes": null }],
            "mailbox": [{ "RecipientTypeDetails": "1", "PrimarySmtpAddress": "Svc-Sync@contoso.com",
                "EmailAddresses": "SMTP:Svc-Sync@contoso.com" }],
            "objects": [{ "distinguishedName": "CN=Sync Service,OU=Service,DC=contoso,DC=com", "objectClass": "user",
                "userAccountControl": "66050", "lockoutTime": "134400000000000000", "pwdLastSet": "0",
                "msDS-UserPasswordExpiryTimeComputed": "9223372036854775807" },
                { "distinguishedName": "CN=Old,DC=contoso,DC=com", "objectClass": "contact" }],
            "domain": { "lockoutThreshold": "5", "lockoutDuration": "-18000000000" },
        },
        "roles": "ApplicationImpersonation",
        "assignments": { "Name": "A", "Role": "contoso.com/x/ApplicationImpersonation", "RoleAssigneeName": "Sync",
            "RoleAssigneeType": "RoleGroup", "RoleAssignmentDelegationType": "Regular", "Enabled": "True",
            "RecipientWriteScope": "CustomRecipientScope", "CustomRecipientWriteScope": "Sync users",
            "WhenChangedUTC": { "value": "/Date(1767225600000)/", "DateTime": "Thursday" } },
        "effective": null,
        "groups": [{ "Name": "Sync", "Identity": "contoso.com/G/Sync", "GroupType": "Universal, SecurityEnabled",
            "Members": ["contoso.com/G/Inner", "contoso.com/G/List"], "ManagedBy": "contoso.com/Service/Sync Service" },
            { "Name": "Inner", "Identity": "contoso.com/G/Inner", "GroupType": "Universal, SecurityEnabled",
              "Members": ["contoso.com/G/Sync", "contoso.com/Service/Sync Service"] },
            { "Name": "List", "Identity": "contoso.com/G/List", "GroupType": "Universal",
              "Members": "contoso.com/Service/Sync Service" }],
        "scopes": { "Name": "Sync users", "RecipientFilter": "x", "Exclusive": false },
        "errors": [],
    })
}

fn parsed(file: &Value) -> Import {
    Import::parse("roles.json", file.to_string().as_bytes()).expect("an import")
}

fn refused(text: &str) -> Refusal {
    Import::parse("roles.json", text.as_bytes()).expect_err("refused")
}

/// The section of an account that was seen so far.
fn filled(section: Section, imports: &[Import]) -> Section {
    let mut own = Gathered { section, ..Gathered::default() };
    let mut target = testing::target("svc-sync@contoso.com");
    target.world = Some(World::ExchangeServer);
    fill(&mut own, &target, imports);
    own.section
}

fn facts(file: &Value) -> Section {
    filled(Section::default(), &[parsed(file)])
}

#[test]
fn powershells_habits_are_read() {
    let facts = facts(&file());
    assert_eq!(facts.get("rbac.made_at"), Some(&json!("2026-11-21T08:00:00Z")));
    let row = &facts.get("rbac.assignments").expect("read")[0];
    assert_eq!((&row["method"], &row["enabled"]), (&json!("role-group"), &json!(true)));
    assert_eq!(
        (&row["role"], &row["changed_at"]),
        (&json!("ApplicationImpersonation"), &json!("2026-01-01T00:00:00Z"))
    );
    assert_eq!(facts.get("mailbox.recipient_type"), Some(&json!("UserMailbox")));
}

#[test]
fn text_of_windows_powershell_is_read() {
    let text = file().to_string();
    let little: Vec<u8> =
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> =
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    for bytes in [little, big, marked] {
        assert!(Import::parse("roles.json", &bytes).is_ok());
    }
}

#[test]
fn rights_pass_through_security_groups_only() {
    let facts = facts(&file());
    let group = &facts.get("rbac.groups").expect("read")[0];
    assert_eq!((&group["through"], &group["dead_ends"]), (&json!(["Inner"]), &json!(["List"])));
    assert_eq!((&group["member"], &group["owner"]), (&json!(false), &json!(true)));
}

#[test]
fn what_the_server_calls_writable_is_covered() {
    let facts = facts(&file());
    let reach = facts.get("rbac.reach").expect("read");
    assert_eq!(
        (&reach[0]["own"], &reach[0]["covered"], &reach[0]["by"]),
        (&json!(true), &json!(true), &json!(["A"]))
    );
    assert_eq!(reach[1]["covered"], json!(false));
}

#[test]
fn a_switched_off_assignment_covers_nothing() {
    let mut file = file();
    file["assignments"]["Enabled"] = json!(false);
    assert_eq!(facts(&file).get("rbac.reach").expect("read")[0]["covered"], json!(false));
}

#[test]
fn what_could_not_be_read_is_not_known_to_be_empty() {
    let mut file = file();
    file["assignments"] = Value::Null;
    file["accounts"]["reach"][0]["assignments"] = Value::Null;
    let facts = facts(&file);
    assert_eq!((facts.get("rbac.assignments"), facts.get("rbac.source")), (None, Some(&Value::Null)));
    assert!(facts.absence("rbac.assignments").is_some_and(|absence| {
        absence.text.as_deref().is_some_and(|text| text.contains("collect --script svc-sync@contoso.com"))
    }));
}

#[test]
fn attributes_become_a_state() {
    let facts = facts(&file());
    let told = |name: &str| facts.get(&format!("directory.{name}")).cloned();
    assert_eq!((told("enabled"), told("password_never_expires")), (Some(json!(false)), Some(json!(true))));
    assert_eq!((told("must_change_password"), told("lockout_minutes")), (Some(json!(true)), Some(json!(30))));
    assert_eq!(told("locked_at"), Some(json!("2026-11-24T13:20:00Z")));
    assert_eq!(told("password_expires_at"), Some(Value::Null));
    assert_eq!(facts.get("directory.duplicates").expect("read")[0]["kind"], "contact");
}

#[test]
fn the_domain_controllers_word_on_a_lock_counts() {
    let mut file = file();
    file["accounts"]["objects"][0]["msDS-User-Account-Control-Computed"] = json!("0");
    assert_eq!(facts(&file).get("directory.locked"), Some(&json!(false)));
    file["accounts"]["objects"][0]["msDS-User-Account-Control-Computed"] = json!(16);
    assert_eq!(facts(&file).get("directory.locked"), Some(&json!(true)));
}

#[test]
fn a_lock_that_has_run_out_is_none() {
    let mut file = file();
    file["accounts"]["objects"][0]["lockoutTime"] = json!("134300000000000000");
    assert_eq!(facts(&file).get("directory.locked"), Some(&json!(false)));
}

#[test]
fn what_was_seen_live_counts_and_both_are_shown() {
    let mut live = Section::default();
    live.set("directory.source", json!("ldap"));
    live.set("directory.enabled", json!(true));
    let facts = filled(live, &[parsed(&file())]);
    assert_eq!(facts.get("directory.enabled"), Some(&json!(true)));
    assert_eq!(facts.get("directory.must_change_password"), None);
    let row = &facts.get("imports.contradictions").expect("told")[0];
    assert_eq!(
        (&row["fact"], &row["imported"], &row["live"]),
        (&json!("directory.enabled"), &json!("false"), &json!("true"))
    );
}

#[test]
fn the_newest_import_counts() {
    let mut old = file();
    old["made_at"] = json!("2025-01-01T00:00:00Z");
    old["assignments"]["Enabled"] = json!(false);
    let facts = filled(Section::default(), &[parsed(&old), parsed(&file())]);
    assert_eq!(facts.get("rbac.assignments").expect("read")[0]["enabled"], json!(true));
    assert_eq!(facts.get("imports.contradictions"), Some(&json!([])));
}

#[test]
fn an_import_for_another_account_tells_nothing() {
    let mut file = file();
    file["accounts"]["address"] = json!("other@contoso.com");
    let facts = facts(&file);
    assert_eq!(facts.get("imports.files").expect("told")[0]["covers"], json!(false));
    let absence = facts.absence("rbac.assignments").and_then(|absence| absence.text.clone());
    assert!(absence.is_some_and(|text| text.contains("no import covers this account")));
}

#[test]
fn a_cut_off_file_says_where() {
    let text = serde_json::to_string_pretty(&file()).expect("JSON");
    let refusal = refused(&text[..text.len() / 2]);
    assert!(refusal.message.contains("cut off") && refusal.line > 10, "{refusal:?}");
}

#[test]
fn a_cut_off_utf_16_file_is_refused() {
    let bytes = [0xff, 0xfe, b'{', 0, b'"'];
    assert!(Import::parse("roles.json", &bytes).is_err_and(|refusal| refusal.message.contains("cut off")));
}

#[test]
fn a_wrong_shape_names_its_place() {
    let text = "{\"format\": 1, \"kind\": \"syncready-import\",\n\"made_at\": \"2026-11-21T08:00:00Z\",\n\"accounts\": [{ \"address\": [] }]}";
    let refusal = refused(text);
    assert!(refusal.message.contains("accounts[0].address") && refusal.line == 3, "{refusal:?}");
}

#[test]
fn other_json_and_newer_formats_are_refused() {
    assert!(refused("{\"kind\": \"syncready-facts\"}").message.contains("\"syncready-facts\""));
    assert!(refused("[1]").line >= 1);
    let newer = refused("{\"kind\": \"syncready-import\",\n \"format\": 9}");
    assert!(newer.message.contains("format 9") && newer.line == 2, "{newer:?}");
    let mut undated = file();
    undated["made_at"] = Value::Null;
    assert!(refused(&undated.to_string()).message.contains("made_at"));
}

#[test]
fn hostile_files_are_refused_before_they_cost_anything() {
    assert!(refused(&"[".repeat(100_000)).message.contains("nests deeper"));
    let mut long = file();
    long["roles"] = vec!["x"; 60_000].into();
    assert!(refused(&long.to_string()).message.contains("more than 50000"));
    let big = vec![b' '; usize::try_from(MAX_BYTES).expect("small") + 1];
    assert!(Import::parse("roles.json", &big).is_err_and(|refusal| refusal.message.contains("larger")));
    assert!(Import::parse("roles.json", b"\xc3\x28").is_err_and(|refusal| refusal.column == 1));
}

#[test]
fn control_characters_do_not_reach_a_terminal() {
    let mut file = file();
    file["server"] = json!("EX\u{1b}[31m01");
    assert_eq!(facts(&file).get("rbac.server"), Some(&json!("EX [31m01")));
}

#[test]
fn groups_in_circles_end() {
    let mut file = file();
    file["groups"] = (0..300)
        .map(|index| {
            json!({ "Name": format!("g{index}"), "Identity": format!("d/g{index}"), "GroupType": "Universal",
                "Members": (0..300).map(|inner| format!("d/g{inner}")).collect::<Vec<_>>() })
        })
        .collect();
    file["assignments"]["RoleAssigneeName"] = json!("g0");
    assert_eq!(facts(&file).get("rbac.groups").expect("read")[0]["through"], json!([]));
}
