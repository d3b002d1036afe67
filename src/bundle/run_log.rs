//! The calls of a run, one a line, in the order in which they were made.

use std::fmt::Write;

use crate::facts::{Document, Exchange};

/// The exchanges of a document, which is redacted already, and what the run said beside.
pub fn run_log(document: &Document, said: &[String]) -> String {
    let tenants = document.tenants.iter().flat_map(|(name, tenant)| {
        let sections = std::iter::once(&tenant.section).chain(tenant.apps.values());
        sections.flat_map(move |section| {
            section.evidence.iter().map(move |(id, exchange)| (name.as_str(), id, exchange))
        })
    });
    let accounts = document.accounts.iter().flat_map(|account| {
        account.section.evidence.iter().map(move |(id, exchange)| (account.address.as_str(), id, exchange))
    });
    let mut all: Vec<(&str, &String, &Exchange)> = tenants.chain(accounts).collect();
    all.sort_by(|a, b| (&a.2.at, a.1).cmp(&(&b.2.at, b.1)));
    let mut text = format!(
        "{} {} {}: {} calls in {} ms\n",
        document.run.started_at,
        document.run.tool.name,
        document.run.tool.version,
        all.len(),
        document.run.duration_ms
    );
    for (about, id, exchange) in all {
        let _ = writeln!(text, "{} {id} [{about}] {}", exchange.at, line(exchange));
    }
    text.push_str(if said.is_empty() { "\nnothing on standard error\n" } else { "\non standard error:\n" });
    for line in said {
        let _ = writeln!(text, "{line}");
    }
    text
}

fn line(exchange: &Exchange) -> String {
    let status = exchange.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let ms = &exchange.ms;
    let all: u64 = [ms.dns, ms.connect, ms.first_byte, ms.body].into_iter().flatten().sum();
    let mut line = format!("{} {} -> {status} in {all} ms", exchange.method, exchange.url);
    for (name, value) in [
        ("request-id", &exchange.request_id),
        ("client-request-id", &exchange.client_request_id),
        ("x-ms-diagnostics", &exchange.diagnostics),
        ("server", &exchange.server),
    ] {
        if let Some(value) = value {
            let _ = write!(line, " {name}={value}");
        }
    }
    if exchange.status.is_none_or(|status| status >= 400)
        && let Some(answer) = &exchange.answer
    {
        let _ = write!(line, " | {answer}");
    }
    line
}
