use super::*;
use crate::{cli::config::load, collect::World};

fn profiles() -> BTreeMap<String, Profile> {
    [("generic-graph", "graph"), ("generic-ews", "ews")]
        .into_iter()
        .map(|(name, protocol)| {
            let profile = Profile { name: name.into(), protocol: protocol.into(), ..Profile::default() };
            (name.to_owned(), profile)
        })
        .collect()
}

fn planned(text: &str, wishes: &Wishes<'_>) -> Result<Plan, String> {
    let source = Source { name: "a.toml".into(), folder: ".".into(), text: text.into() };
    let (file, source) = load(source, &[]).map_err(|problem| problem.render(false, false))?;
    plan(&file, &source, wishes, &profiles()).map_err(|problem| problem.render(false, false))
}

fn refused(text: &str) -> String {
    planned(text, &Wishes::default()).expect_err("refused")
}

#[test]
fn an_address_alone_is_looked_at_from_outside() {
    let accounts = ["svc@Contoso.com".to_owned()];
    let plan = planned("", &Wishes { accounts: &accounts, ..Wishes::default() }).expect("planned");
    let target = &plan.targets[0];
    assert_eq!(
        (target.world, target.tenant.as_str(), target.profile.as_str()),
        (None, "contoso.com", "generic-graph")
    );
}

#[test]
fn an_account_without_an_address_is_shown() {
    assert!(refused("[[account]]\nprofile = \"generic-graph\"\n").contains("a.toml:1:1"));
}

#[test]
fn a_malformed_address_is_shown_where_it_stands() {
    assert!(refused("[[account]]\naddress = \"svc\"\n").contains("a.toml:2:11"));
}

#[test]
fn an_unknown_profile_names_the_nearest() {
    let shown = refused("[[account]]\naddress = \"a@b.c\"\nprofile = \"generic-grapf\"\n");
    assert!(shown.contains("a.toml:3:11") && shown.contains("did you mean `generic-graph`?"), "{shown}");
}

#[test]
fn a_server_of_the_own_needs_no_tenant_and_no_reader() {
    let text = "[endpoints]\news = \"https://mail.corp.local/EWS/Exchange.asmx\"\n[[account]]\n\
                address = \"svc@corp.local\"\nsubject = { kind = \"password\", secret = { env = \"PATH\" } }\n";
    let plan = planned(text, &Wishes::default()).expect("planned");
    let target = &plan.targets[0];
    assert_eq!((target.world, target.subject.scheme.as_str()), (Some(World::ExchangeServer), "basic"));
}

#[test]
fn a_vendors_credential_cannot_be_configured() {
    let text = "[[account]]\naddress = \"a@b.c\"\nsubject = { kind = \"client-secret\", client_id = \"x\", \
                held_by = \"vendor\", secret = { env = \"PATH\" } }\n";
    assert!(refused(text).contains("impossible combination"));
}

#[test]
fn plain_http_is_refused_for_other_machines() {
    assert!(refused("[endpoints]\news = \"http://mail.contoso.com/\"\n").contains("https only"));
}
