//! The reader's permissions.

use std::fs;

use serde_json::Value;

use crate::place::{Lab, Place, assert_refused};

#[test]
fn an_exchange_server_needs_no_reader() {
    let run = Place::new().run(&["permissions", "--world", "exchange-server"]);
    assert!(run.code == 0 && run.stdout.contains("No permission is needed."), "{}", run.stdout);
}

#[test]
fn permissions_of_the_configured_accounts_need_no_secret() {
    let place = Place::new();
    place.write(
        "syncready.toml",
        "[tenant]\ndomain = \"contoso.com\"\n[reader]\nsign_in = \"client-secret\"\nclient_id = \
         \"4ead4ead-0000-4000-8000-000000000009\"\nsecret = { env = \"NOT_SET\" }\n[[account]]\naddress = \
         \"svc@contoso.com\"\nprofile = \"generic-graph\"\nsubject = { kind = \"client-secret\", client_id = \"x\", \
         secret = { prompt = true } }\n",
    );
    let run = place.run(&["permissions"]);
    assert!(
        run.stdout.contains("svc@contoso.com (online-graph-app, profile generic-graph)"),
        "{}",
        run.stdout
    );
    let link = place.run(&["permissions", "--consent-link"]);
    let wanted = "https://login.microsoftonline.com/contoso.com/v2.0/adminconsent?client_id=4ead4ead-";
    assert!(link.stdout.lines().count() == 2 && link.stdout.starts_with(wanted), "{}", link.stdout);
}

#[test]
fn a_script_without_a_tenant_is_refused() {
    assert_refused(&Place::new().run(&["permissions", "--script", "sh"]), &["which tenant", "--tenant"]);
    assert_refused(
        &Place::new().run(&["permissions", "--excess"]),
        &["needs a configuration with a [reader]"],
    );
}

/// A configuration whose reader is the lab's.
fn with_reader(place: &Place, scenario: &str) -> Lab {
    let lab = Lab::serve(place, scenario);
    let apps = lab.contract["apps"].as_array().expect("a list");
    let reader = apps.iter().find(|app| app["client_id"] == "4ead4ead-0000-4000-8000-000000000009");
    let reader = reader.expect("the lab has a reader");
    place.write("secret", reader["secret"].as_str().unwrap_or_default());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let own = fs::Permissions::from_mode(0o600);
        fs::set_permissions(place.path().join("secret"), own).expect("set");
    }
    let config = format!(
        "[tenant]\ndomain = {}\n[reader]\nsign_in = \"client-secret\"\nclient_id = {}\nsecret = {{ file = \"secret\" \
         }}\n[[account]]\naddress = \"svc-sync@contoso.com\"\nworld = \"online-graph-app\"\n{}",
        lab.contract["domain"],
        reader["client_id"],
        lab.network()
    );
    place.write("syncready.toml", &config);
    lab
}

#[test]
fn the_reader_is_compared_with_what_is_needed() {
    let place = Place::new();
    let _lab = with_reader(&place, "healthy-app-graph");
    let run = place.run(&["permissions", "--excess", "--format", "json"]);
    let told: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    assert_eq!(told["missing"], serde_json::json!([]), "{told:#}");
    assert_eq!(told["writes"], serde_json::json!([]), "{told:#}");
    assert_eq!(
        (run.code, &told["excess"][0]),
        (1, &Value::from("RoleManagement.Read.Directory")),
        "{told:#}"
    );
    let few = place.run(&[
        "permissions",
        "--excess",
        "--only",
        "license/plan-meets-the-vendor",
        "--format",
        "json",
    ]);
    let told: Value = serde_json::from_str(&few.stdout).expect("JSON");
    assert!(
        told["excess"].as_array().is_some_and(|excess| excess.contains(&"AuditLog.Read.All".into())),
        "{told:#}"
    );
}

#[test]
fn a_reader_that_cannot_sign_in_leaves_it_undetermined() {
    let place = Place::new();
    let _lab = with_reader(&place, "healthy-app-graph");
    place.write("secret", "wrong-canary");
    let run = place.run(&["permissions", "--excess"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("AADSTS7000215") && !run.stderr.contains("wrong-canary"), "{}", run.stderr);
}

#[test]
fn permissions_count_the_queries_of_own_checks() {
    let place = Place::new();
    fs::create_dir_all(place.path().join("own/dept")).expect("made");
    place.write(
        "own/dept/devices-are-managed.toml",
        "title = \"Devices are managed\"\nsince = \"1\"\nwhy = \"x\"\n[query.devices]\ngraph = \
         \"/v1.0/deviceManagement/managedDevices\"\npermission = \"DeviceManagementManagedDevices.Read.All\"\nscope = \
         \"tenant\"\nanswer = \"any\"\n[[outcome]]\nresult = \"pass\"\nwhen = \"size(query.devices.value) > \
         0\"\nmessage = \"some\"\n[[outcome]]\nresult = \"warn\"\nmessage = \"none\"\n",
    );
    let run = place.run(&[
        "permissions",
        "--checks",
        "own",
        "--only",
        "dept/devices-are-managed",
        "--format",
        "json",
    ]);
    let plan: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    assert_eq!(plan["least"][0]["name"], "DeviceManagementManagedDevices.Read.All", "{plan:#}");
    assert_eq!(plan["tiers"][0]["lifts"], serde_json::json!(["dept/devices-are-managed"]), "{plan:#}");
}
