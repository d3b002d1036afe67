//! "Would pass if" is true: each change, made to the facts, lets the check pass.

use syncready::engine::{Catalogue, Check, Judge, Selection, Word, WouldPassIf, example_document, judge};
use syncready::facts::Document;

fn only(catalogue: &Catalogue, check: &Check, params: &toml::Table) -> Selection {
    let others = catalogue.checks().iter().map(|other| other.id().to_owned()).filter(|id| id != check.id());
    let only = vec![check.id().to_owned()];
    Selection { only, skip: others.collect(), params: params.clone(), ..Selection::default() }
}

fn result(catalogue: &Catalogue, selection: &Selection, document: &Document) -> Word {
    let report = judge(document, catalogue, selection).expect("embedded checks compile");
    report.accounts[0].findings[0].result
}

fn changes(catalogue: &Catalogue, selection: &Selection, document: &Document) -> Vec<WouldPassIf> {
    let (tenant, account) = (&document.tenants["contoso.com"], &document.accounts[0]);
    let judge = Judge::new(catalogue, selection);
    let mut report = judge.account(&document.run, tenant, account).expect("embedded checks compile");
    judge.elaborate(&document.run, tenant, account, &mut report).expect("embedded checks compile");
    report.findings.remove(0).would_pass_if
}

/// Fail examples for which no single fact says more than the check itself.
const FEWEST: f64 = 0.7;

#[test]
fn each_change_lets_the_check_pass_and_nearly_every_failure_has_one() {
    let catalogue = Catalogue::embedded();
    let (mut failing, mut explained, mut wrong) = (0_u32, 0_u32, Vec::new());
    for check in catalogue.checks() {
        for example in check.file().example.iter().filter(|example| example.expect == Word::Fail) {
            let document = example_document(catalogue, check, example).expect("sound example");
            let selection = only(catalogue, check, &example.params);
            let changes = changes(catalogue, &selection, &document);
            failing += 1;
            explained += u32::from(!changes.is_empty());
            println!("{} ({})", check.id(), example.name);
            for change in changes {
                println!("    would pass if {}", change.text);
                let mut document = document.clone();
                change.apply(&mut document.accounts[0].section.facts);
                let now = result(catalogue, &selection, &document);
                if now != Word::Pass || change.text.is_empty() {
                    wrong.push(format!("{} ({}): {now:?} with {change:?}", check.id(), example.name));
                }
            }
        }
    }
    println!("{explained} of {failing} failing examples have a change");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(f64::from(explained) >= FEWEST * f64::from(failing), "{explained} of {failing}");
}

#[test]
fn nobody_is_told_to_ask_another_question() {
    let catalogue = Catalogue::embedded();
    let given = ["world.", "profile.", "params.", "run.", "request.", "subject.", "endpoints."];
    for check in catalogue.checks() {
        for example in check.file().example.iter().filter(|example| example.expect == Word::Fail) {
            let document = example_document(catalogue, check, example).expect("sound example");
            for change in changes(catalogue, &only(catalogue, check, &example.params), &document) {
                assert!(
                    !given.iter().any(|group| change.path.starts_with(group)),
                    "{}: {change:?}",
                    check.id()
                );
            }
        }
    }
}

#[test]
fn a_ticket_is_one_paragraph_with_what_is_wanted() {
    let catalogue = Catalogue::embedded();
    let mut complaints = Vec::new();
    for check in catalogue.checks() {
        for example in check.file().example.iter().filter(|example| example.expect == Word::Fail) {
            let document = example_document(catalogue, check, example).expect("sound example");
            let selection = only(catalogue, check, &example.params);
            let (tenant, account) = (&document.tenants["contoso.com"], &document.accounts[0]);
            let judge = Judge::new(catalogue, &selection);
            let mut report = judge.account(&document.run, tenant, account).expect("embedded checks compile");
            judge.elaborate(&document.run, tenant, account, &mut report).expect("embedded checks compile");
            // Under a profile that only advises the check there is no cause to act on.
            let Some(first) = report.first_causes.first() else { continue };
            let ticket = first.ticket.as_deref().unwrap_or_default();
            let whole =
                ticket.contains(&first.cause) && ticket.contains("Wanted") && ticket.contains(check.id());
            if !whole || ticket.contains('\n') || ticket.chars().count() > 1200 {
                complaints.push(format!("{} ({}): {ticket}", check.id(), example.name));
            }
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
