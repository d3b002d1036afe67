//! What the configured reader holds, against what is needed.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;

use super::{args::Permissions, tiers::Needs};
use crate::{
    cli::{
        config::{self, Source, Wishes},
        exit, live,
        problem::Problem,
        select,
        trouble::Trouble,
    },
    collect::reader,
    engine::Catalogue,
    facts::Section,
    report::permissions::{Holding, Plan},
};

/// A fact that only Exchange tells: asking for it lets the reader get a token for Exchange, too.
const OF_EXCHANGE: &str = "organization.ews_enabled";

/// Signs in as the reader and compares.
pub fn compare(
    args: &Permissions,
    source: Source,
    catalogue: &Catalogue,
    needs: &Needs,
    plan: &Plan,
) -> Result<(Holding, u8), Trouble> {
    let section = read(args, source, catalogue, plan)?;
    let words = |path: &str| -> Option<Vec<String>> {
        let list = section.get(path)?.as_array()?;
        Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    };
    let client_id = section.get("reader.client_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (Some(held), Some(roles)) = (words("reader.permissions"), words("reader.directory_roles")) else {
        return Err(Trouble::Undetermined(unread(&section)));
    };
    if section.get("reader.signed_in") != Some(&Value::Bool(true)) {
        return Err(Trouble::Undetermined(unread(&section)));
    }
    let token = reader::Holding::new(held.clone(), roles);
    let useful: BTreeSet<String> = plan
        .least
        .iter()
        .chain(plan.tiers.iter().flat_map(|tier| &tier.permissions))
        .chain(&plan.delegated_only)
        .filter_map(|one| one.name.split(" + ").next().map(str::to_owned))
        .collect();
    let (mut writes, mut rest) = (Vec::new(), Vec::new());
    for name in &held {
        if token.may_write(name) {
            writes.push(name.clone());
        } else if !useful.contains(name) && !BASICS.contains(&name.as_str()) {
            rest.push(name.clone());
        }
    }
    let asked = plan.least.iter().filter(|one| !reader::OPTIONAL.contains(&one.name.as_str()));
    let missing = asked.filter(|one| {
        let grant = needs.grants.keys().find(|name| **name == one.name).map(|name| needs.grant(name));
        grant.is_some_and(|grant| !token.covers(grant))
    });
    let missing: Vec<_> = missing.cloned().collect();
    let excess: Vec<String> = writes.iter().cloned().chain(rest).collect();
    let code = if excess.is_empty() && missing.is_empty() { exit::READY } else { exit::NOT_READY };
    Ok((Holding { client_id, held, writes, excess, missing }, code))
}

/// Scopes that every sign-in of a user brings along.
const BASICS: &[&str] = &["email", "offline_access", "openid", "profile", "User.Read"];

fn unread(section: &Section) -> String {
    let text = |path: &str| section.get(path).and_then(Value::as_str).map(str::to_owned);
    let code = section.get("reader.error_code").and_then(Value::as_u64);
    match (text("reader.error_text"), code) {
        (Some(text), Some(code)) if !text.contains("AADSTS") => {
            format!("the reader got no token: AADSTS{code}: {text}")
        }
        (Some(text), _) => format!("the reader got no token: {text}"),
        (None, _) => "what the reader's token carries cannot be read".to_owned(),
    }
}

/// The facts about the reader; nothing else of the tenant is asked for but one switch of Exchange.
fn read(args: &Permissions, source: Source, catalogue: &Catalogue, plan: &Plan) -> Result<Section, Trouble> {
    let (mut file, source) = config::load(source, &args.set)?;
    if file.reader.is_none() {
        return Err(Problem::new("the configuration has no [reader] to compare with").into());
    }
    config::without_subject_secrets(&mut file);
    let wishes = Wishes { no_sign_in: true, ..Wishes::default() };
    let made = config::plan(&file, &source, &wishes, &select::profiles(catalogue))?;
    let Some(target) = made.targets.into_iter().find(|target| target.reader.is_some()) else {
        return Err(
            Problem::new("the configuration has no [[account]] in whose tenant the reader reads").into()
        );
    };
    let mut needed: BTreeSet<String> = BTreeSet::from(["reader".to_owned()]);
    if plan.least.iter().any(|one| one.resource == "exchange") {
        needed.insert(OF_EXCHANGE.to_owned());
    }
    let tenant = target.tenant.clone();
    let plan = config::Plan { targets: vec![target], ..made };
    let reading = live::gather(plan, &needed, None, &args.look, live::remembered(), Arc::default());
    let document = live::interruptible(reading)?;
    document
        .tenants
        .get(&tenant)
        .map(|tenant| tenant.section.clone())
        .ok_or_else(|| Trouble::Ours("the tenant was not examined".into()))
}
