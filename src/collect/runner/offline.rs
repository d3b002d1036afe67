//! The whole call table against a machine without network.

use std::collections::BTreeSet;

use super::*;
use crate::collect::testing;
use crate::facts::catalogue::GROUPS;

async fn everything(target: Target) -> Document {
    let needed: BTreeSet<_> = GROUPS.iter().map(|group| group.name.to_owned()).collect();
    run(vec![target], &needed, testing::offline(), RunOptions::default()).await
}

/// Every needed fact that is neither present nor absent.
fn unsaid(document: &Document) -> Vec<String> {
    let account = &document.accounts[0];
    let tenant = &document.tenants[&account.tenant];
    let mut unsaid = Vec::new();
    for group in GROUPS {
        for fact in group.facts {
            let path = format!("{}.{}", group.name, fact.path);
            let path = path.split("[]").next().unwrap_or_default();
            let said = [&account.section, &tenant.section]
                .into_iter()
                .any(|section| section.get(path).is_some() || section.absence(path).is_some());
            if !said && !unsaid.contains(&path.to_owned()) {
                unsaid.push(path.to_owned());
            }
        }
    }
    unsaid
}

#[tokio::test]
async fn every_fact_is_present_or_absent_in_every_world() {
    use super::super::World;
    for world in [None, Some(World::ExchangeServer), Some(World::OnlineEwsApp), Some(World::OnlineDelegated)]
    {
        let mut target = testing::target("svc@contoso.example");
        target.world = world;
        assert_eq!(unsaid(&everything(target).await), Vec::<String>::new(), "{world:?}");
    }
}

#[tokio::test]
async fn without_network_no_name_resolves_and_the_world_is_not_known() {
    let mut target = testing::target("svc@contoso.example");
    target.world = None;
    let document = everything(target).await;
    let tenant = &document.tenants["contoso.example"].section;
    assert_eq!(tenant.get("dns.any_resolved"), Some(&serde_json::json!(false)));
    let account = &document.accounts[0].section;
    assert_eq!(account.absence("world.kind").map(|absence| absence.reason), Some(Reason::TimedOut));
    assert_eq!(account.absence("ews_endpoint.status").map(|absence| absence.reason), Some(Reason::TimedOut));
}
