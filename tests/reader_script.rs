//! The scripts that register the reader: the one for a POSIX shell runs against an Azure CLI of ours, which
//! keeps a tenant in a folder and writes down what was asked of it.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Answers as `az` does with `--query` and `--output tsv`; its state is one file for each thing.
const AZ: &str = r#"#!/bin/sh
printf '%s\n' "$*" >> "$STATE/log"
case "$*" in
    'account show'*) echo 11111111-0000-0000-0000-000000000001 ;;
    *'/domains?'*) printf 'contoso.onmicrosoft.com\ncontoso.com\n' ;;
    *'/applications?'*) cat "$STATE/apps" 2>/dev/null || true ;;
    'ad app create'*) echo app-1 > "$STATE/apps"; echo app-1 ;;
    *"/servicePrincipals?"*"appId eq 'app-1'"*) cat "$STATE/principal" 2>/dev/null || true ;;
    'ad sp create'*) echo sp-1 > "$STATE/principal"; echo sp-1 ;;
    *"/servicePrincipals?"*"appId eq '00000003-"*) echo graph-sp ;;
    *"/servicePrincipals?"*"appId eq '00000002-"*) echo exchange-sp ;;
    *'--method get'*'/sp-1/appRoleAssignments'*) cat "$STATE/grants" 2>/dev/null || true ;;
    *'?$select=appRoles'*)
        name=$(printf '%s' "$*" | sed "s/.*value=='\([^']*\)'.*/\1/")
        [ "$name" = Policy.Read.HybridAuthentication ] || echo "role-$name" ;;
    *'--method post'*'/appRoleAssignments'*)
        printf '%s' "$*" | sed 's/.*"resourceId":"\([^"]*\)","appRoleId":"\([^"]*\)".*/\1 \2\n/' >> "$STATE/grants" ;;
    *'--method get'*'/roleManagement/'*) cat "$STATE/role" 2>/dev/null || true ;;
    *'--method post'*'/roleManagement/'*) echo assigned > "$STATE/role" ;;
    'ad app credential list'*) cat "$STATE/keys" 2>/dev/null || true ;;
    'ad app credential reset'*) printf '%s\n' "$THUMBPRINT" >> "$STATE/keys" ;;
    *) echo "not known: $*" >&2; exit 1 ;;
esac
"#;

struct Tenant(tempfile::TempDir);

impl Tenant {
    fn new() -> Self {
        let tenant = Self(tempfile::tempdir().expect("a folder"));
        let az = tenant.path("az");
        fs::write(&az, AZ).expect("written");
        fs::set_permissions(&az, fs::Permissions::from_mode(0o755)).expect("set");
        let script = Command::new(env!("CARGO_BIN_EXE_syncready"))
            .args(["permissions", "--script", "sh", "--tenant", "contoso.com", "-o", "reader.sh"])
            .current_dir(tenant.0.path())
            .env_remove("SYNCREADY_CONFIG")
            .status();
        assert!(script.expect("the program starts").success());
        tenant
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        let path = format!("{}:{}", self.0.path().display(), std::env::var("PATH").unwrap_or_default());
        Command::new("sh")
            .arg("reader.sh")
            .args(args)
            .current_dir(self.0.path())
            .env("PATH", path)
            .env("STATE", self.0.path())
            .env("THUMBPRINT", thumbprint(&self.path("cert.pem")).unwrap_or_default())
            .output()
            .expect("sh is there")
    }

    /// What changed something, of all that was asked since the last time.
    fn changes(&self) -> Vec<String> {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let _ = fs::remove_file(self.path("log"));
        let changing =
            ["create", "--method post", "--method patch", "--method put", "--method delete", "reset"];
        log.lines()
            .filter(|line| changing.iter().any(|word| line.contains(word)))
            .map(str::to_owned)
            .collect()
    }
}

fn thumbprint(certificate: &Path) -> Option<String> {
    let mut command = Command::new("openssl");
    let text = output_of(command.args(["x509", "-noout", "-fingerprint", "-sha1", "-in"]).arg(certificate))?;
    Some(text.trim().rsplit('=').next()?.replace(':', ""))
}

fn output_of(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_second_run_changes_nothing() {
    let tenant = Tenant::new();
    let first = tenant.run(&[]);
    assert!(first.status.success(), "{first:?}");
    assert_eq!(String::from_utf8_lossy(&first.stdout), "client_id = \"app-1\"\n");
    let changes = tenant.changes();
    assert!(changes.iter().any(|line| line.starts_with("ad app create")), "{changes:#?}");
    assert!(changes.iter().any(|line| line.contains("role-Exchange.ManageAsApp")), "{changes:#?}");
    assert!(changes.iter().any(|line| line.contains("roleAssignments")), "{changes:#?}");
    let second = tenant.run(&[]);
    assert_eq!(second.stdout, first.stdout);
    assert_eq!(tenant.changes(), Vec::<String>::new());
}

#[test]
fn grants_that_are_there_stay() {
    let tenant = Tenant::new();
    fs::write(tenant.path("apps"), "app-1\n").expect("written");
    fs::write(tenant.path("principal"), "sp-1\n").expect("written");
    fs::write(tenant.path("grants"), "other-sp role-Mail.Read\ngraph-sp role-Policy.Read.All\n")
        .expect("written");
    assert!(tenant.run(&[]).status.success());
    let grants = fs::read_to_string(tenant.path("grants")).expect("there");
    assert!(grants.starts_with("other-sp role-Mail.Read\ngraph-sp role-Policy.Read.All\n"), "{grants}");
    assert_eq!(grants.matches("role-Policy.Read.All\n").count(), 1, "{grants}");
    assert!(!tenant.changes().iter().any(|line| line.contains("app create") || line.contains("sp create")));
}

#[test]
fn two_apps_of_one_name_stop_it_before_any_change() {
    let tenant = Tenant::new();
    fs::write(tenant.path("apps"), "app-1\napp-2\n").expect("written");
    assert!(!tenant.run(&[]).status.success());
    assert_eq!(tenant.changes(), Vec::<String>::new());
}

#[test]
fn another_tenant_stops_it_before_any_change() {
    let tenant = Tenant::new();
    let script = fs::read_to_string(tenant.path("reader.sh")).expect("there");
    fs::write(tenant.path("reader.sh"), script.replace("tenant='contoso.com'", "tenant='fabrikam.com'"))
        .expect("written");
    let run = tenant.run(&[]);
    assert!(
        !run.status.success() && String::from_utf8_lossy(&run.stderr).contains("which is not fabrikam.com")
    );
    assert_eq!(tenant.changes(), Vec::<String>::new());
}

#[test]
fn a_permission_that_the_tenant_lacks_is_said_and_does_not_stop_it() {
    let tenant = Tenant::new();
    let run = tenant.run(&[]);
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(
        run.status.success() && said.contains("HybridAuthentication: this tenant does not offer it"),
        "{said}"
    );
}

#[test]
fn a_certificate_is_added_once_beside_those_there() {
    let tenant = Tenant::new();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem"])
        .args(["-subj", "/CN=syncready"])
        .current_dir(tenant.0.path())
        .output();
    if !made.is_ok_and(|output| output.status.success()) {
        use std::io::Write;
        let _ = std::io::stderr().write_all(b"SKIPPED: no openssl to make a certificate with\n");
        return;
    }
    fs::write(tenant.path("keys"), "AAAA\n").expect("written");
    for _ in 0..2 {
        assert!(tenant.run(&["-c", "cert.pem"]).status.success());
    }
    let keys = fs::read_to_string(tenant.path("keys")).expect("there");
    assert_eq!(keys.lines().count(), 2, "{keys}");
    let resets: Vec<String> = tenant.changes().into_iter().filter(|line| line.contains("reset")).collect();
    assert!(resets.len() == 1 && resets[0].contains("--append"), "{resets:?}");
}
