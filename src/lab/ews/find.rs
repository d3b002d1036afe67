//! `FindItem`: pages, restrictions, sorting, and the view of a calendar.

use jiff::{SignedDuration, Timestamp};
use roxmltree::Node;

use super::item::{Extent, Shown};
use super::operations::{Context, list, part, respond};
use super::paths::{Path, Shape};
use super::restriction::Restriction;
use super::target::{self, Place, present};
use super::xml::Fault;
use super::{paging, public_folders, times};
use crate::lab::store::Mailbox;

/// Longest span of a calendar view.
const TWO_YEARS: SignedDuration = SignedDuration::from_hours(24 * 732);

/// `FindItem`.
pub(super) fn items(context: &Context, operation: Node) -> String {
    let shape = Shape::read(part(operation, "ItemShape"));
    let found = list(operation, "ParentFolderIds").into_iter().map(|id| {
        if public_folders::wanted(id).is_some() {
            return public_folders::items(context, id, operation);
        }
        let place = target::folder(context, id)?;
        context.store.read(place.row, |mailbox| page(mailbox, &place, operation, &shape, context.zone))
    });
    respond("FindItem", found)
}

fn page(
    mailbox: &Mailbox,
    place: &Place,
    operation: Node,
    shape: &Shape,
    zone: &str,
) -> Result<String, Fault> {
    let restriction = Restriction::read(part(operation, "Restriction"))?;
    let view = part(operation, "CalendarView");
    let mut found: Vec<Shown> = match view {
        _ if operation.attribute("Traversal") != Some("Shallow") => Vec::new(),
        Some(view) => calendar(mailbox, place, view, zone)?,
        None => mailbox.items_in(&place.folder).into_iter().map(|item| Shown::item(mailbox, item)).collect(),
    };
    found.retain(|shown| restriction.fits(&|path| shown.value(path)));
    if let Some(order) = part(operation, "SortOrder") {
        sort(&mut found, order);
    }
    let (page, root) = paging::page(operation, found);
    let rows: String = page.iter().map(|shown| shown.element(shape, place.level, Extent::Listed)).collect();
    Ok(format!("<m:RootFolder {root}><t:Items>{rows}</t:Items></m:RootFolder>"))
}

/// Single appointments and occurrences that overlap a span, by their start.
fn calendar<'a>(
    mailbox: &'a Mailbox,
    place: &Place,
    view: Node,
    zone: &str,
) -> Result<Vec<Shown<'a>>, Fault> {
    let time = |name: &str| times::read(view.attribute(name).unwrap_or_default(), zone);
    let (Some(from), Some(to)) = (time("StartDate"), time("EndDate")) else {
        return Err(Fault::new("ErrorInvalidRequest", "The calendar view is invalid."));
    };
    if to < from {
        let text = "EndDate is earlier than StartDate";
        return Err(Fault::new("ErrorCalendarEndDateIsEarlierThanStartDate", text));
    }
    if to.duration_since(from) > TWO_YEARS {
        let text = "The specified view range exceeds the maximum range of two years.";
        return Err(Fault::new("ErrorCalendarViewRangeTooBig", text));
    }
    let folder = present(mailbox, &place.folder)?;
    if super::folders::element_of(&folder.class) != "CalendarFolder" {
        let text = "The calendar view can only be used with calendar folders.";
        return Err(Fault::new("ErrorCalendarFolderIsInvalidForCalendarView", text));
    }
    let mut found: Vec<(Timestamp, Shown)> = Vec::new();
    for item in mailbox.items_in(&place.folder) {
        let Some(series) = item.content.kind.appointment() else { continue };
        for one in series.occurrences(from, to, 1000) {
            let shown = match series.recurrence {
                Some(_) => Shown::occurrence(mailbox, item, one),
                None => Shown::item(mailbox, item),
            };
            found.push((one.start, shown));
        }
    }
    found.sort_by_key(|(start, _)| *start);
    Ok(found.into_iter().map(|(_, shown)| shown).collect())
}

fn sort(found: &mut [Shown], order: Node) {
    let fields: Vec<Node> = order.children().filter(Node::is_element).collect();
    // The last one first, because sorting keeps the order of what is equal.
    for field in fields.into_iter().rev() {
        let Some(path) = Path::below(field) else { continue };
        found.sort_by_cached_key(|shown| shown.value(&path).map(|text| text.to_lowercase()));
        if field.attribute("Order") == Some("Descending") {
            found.reverse();
        }
    }
}
