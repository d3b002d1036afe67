//! Tables without borders, which screen readers read line by line and people can copy.

use comfy_table::{ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width};

use super::page::Page;
use super::wrap::plain;

/// Puts a table with a head on the page. Cells may come from servers.
pub(super) fn put<const N: usize>(page: &mut Page, head: [&str; N], rows: &[[String; N]]) {
    let mut table = Table::new();
    table.set_header(head);
    fill(page, table, rows, &[]);
}

/// Puts a table without a head on the page; `widths` fixes the first columns.
pub(super) fn bare<const N: usize>(page: &mut Page, rows: &[[String; N]], widths: &[usize]) {
    fill(page, Table::new(), rows, widths);
}

fn fill<const N: usize>(page: &mut Page, mut table: Table, rows: &[[String; N]], widths: &[usize]) {
    let line = if page.style().unicode { '─' } else { '-' };
    table
        .load_style(TableStyle::new().header_separator(LineStyle::none().fill(line).junction(line)))
        .force_no_tty()
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(page.width()).unwrap_or(u16::MAX));
    for row in rows {
        table.add_row(row.iter().map(|cell| plain(cell)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for (index, width) in widths.iter().enumerate() {
        let width = Width::Fixed(u16::try_from(width + 2).unwrap_or(u16::MAX));
        if let Some(column) = table.column_mut(index) {
            column.set_constraint(ColumnConstraint::Absolute(width));
        }
    }
    for line in table.lines() {
        page.raw(&line);
    }
}
