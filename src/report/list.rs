//! The list of all checks, by area.

use serde_json::{Value, json};

use super::page::{Page, count};
use super::wrap::width;
use super::{Style, grid, json, mark::Paint};
use crate::engine::{Catalogue, Check};

/// Columns that titles need beside the ids.
const TITLE: usize = 40;

/// All checks with their titles, areas as headings.
pub fn checks(catalogue: &Catalogue, style: &Style) -> String {
    let mut page = Page::new(style);
    let all = catalogue.checks();
    let ids = all.iter().map(|check| width(check.id())).max().unwrap_or_default();
    let side_by_side = page.width() >= ids + TITLE;
    for (area, checks) in areas(all) {
        page.heading(catalogue.area_title(area));
        let rows: Vec<[String; 2]> =
            checks.iter().map(|check| [check.id().to_owned(), title(check)]).collect();
        if side_by_side {
            grid::bare(&mut page, &rows, &[ids]);
        } else {
            stack(&mut page, &rows);
        }
        page.blank();
    }
    page.text(
        0,
        &format!("{}; `syncready explain ID` explains one.", count(all.len(), "check")),
        Paint::Plain,
    );
    page.finish()
}

fn title(check: &Check) -> String {
    match check.origin() {
        None => check.title().to_owned(),
        Some(origin) => format!("{} ({})", check.title(), origin.words()),
    }
}

/// Titles below the ids, so that an id is never broken.
fn stack(page: &mut Page, rows: &[[String; 2]]) {
    for [id, title] in rows {
        page.text(0, id, Paint::Bold);
        page.text(4, title, Paint::Plain);
    }
}

/// The list as one JSON document.
pub fn json(catalogue: &Catalogue) -> String {
    let checks: Vec<Value> = catalogue
        .checks()
        .iter()
        .map(|check| {
            json!({
                "check": check.id(), "title": check.title(), "area": check.area(), "since": check.since(),
                "aliases": check.aliases(), "after": check.after(), "origin": check.origin(),
            })
        })
        .collect();
    json::pretty(&json!({ "format": 1, "checks": checks }))
}

fn areas(checks: &[Check]) -> Vec<(&str, Vec<&Check>)> {
    let mut areas: Vec<(&str, Vec<&Check>)> = Vec::new();
    for check in checks {
        match areas.iter_mut().find(|(area, _)| *area == check.area()) {
            Some((_, list)) => list.push(check),
            None => areas.push((check.area(), vec![check])),
        }
    }
    areas
}
