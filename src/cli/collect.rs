//! `collect`: saves what a run sees without judging it, or prints the script that makes an import.

use super::{
    args, config, exit, live,
    output::{self, Sink},
    script, select,
    trouble::Trouble,
};

/// Collects, or prints the script.
pub fn run(args: &args::Collect) -> Result<u8, Trouble> {
    let sink = Sink::open(args.output.output.as_deref())?;
    if args.script {
        let (accounts, targets) = named(args)?;
        sink.write(&script::render(&accounts, &targets)?)?;
        return Ok(exit::READY);
    }
    let check = args.as_check();
    let (brought, plan) = live::prepared(&check)?;
    let selection = select::selection(brought.catalogue(), &check)?;
    let (tasks, memory) = (plan.tasks.clone(), live::memory(&check.live.setting));
    let document = live::tidy(&tasks, live::examine(&check, plan, &brought, &selection, memory))?;
    sink.write(&output::pretty(&document)?)?;
    Ok(if document.accounts.is_empty() { exit::NOTHING } else { exit::READY })
}

/// The accounts of the command line, else those of the configuration, and the mailboxes to ask about.
fn named(args: &args::Collect) -> Result<(Vec<String>, Vec<String>), Trouble> {
    let mut targets = args.live.as_mailboxes.clone();
    let mut accounts = args.accounts.clone();
    if let Some(source) = config::find(args.live.setting.config.as_deref())? {
        let (file, source) = config::load(source, &args.live.setting.set)?;
        for table in &file.accounts {
            let table = table.get_ref();
            let Some(address) = table.address.as_ref().map(toml::Spanned::get_ref) else { continue };
            if args.accounts.is_empty() {
                accounts.push(address.clone());
            }
            if accounts.iter().any(|account| account.eq_ignore_ascii_case(address)) {
                targets.extend(table.also.iter().map(|mailbox| mailbox.get_ref().clone()));
                targets.extend(config::listed(&source, table.wanted_users.as_ref())?);
            }
        }
    }
    for address in accounts.iter().chain(&targets) {
        config::plain_address(address)?;
    }
    let mut seen = std::collections::BTreeSet::new();
    targets.retain(|target| seen.insert(target.to_lowercase()));
    Ok((accounts, targets))
}
