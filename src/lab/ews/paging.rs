//! Pages of what was found.

use roxmltree::Node;

use super::xml::MESSAGES;

/// Most rows of a page, whatever is asked for.
const MOST: usize = 1000;

/// The page that an operation asks for, and the attributes that say where it lies.
pub(super) fn page<T>(operation: Node, found: Vec<T>) -> (Vec<T>, String) {
    let total = found.len();
    let view = operation.children().find(|child| {
        child.tag_name().namespace() == Some(MESSAGES) && child.tag_name().name().ends_with("View")
    });
    let number = |name: &str| view.and_then(|view| view.attribute(name)?.parse::<usize>().ok());
    let most = number("MaxEntriesReturned").unwrap_or(MOST).min(MOST);
    let offset = match (number("Offset"), number("Numerator"), number("Denominator")) {
        (Some(offset), ..) => offset,
        (_, Some(above), Some(below)) if below > 0 => total * above / below,
        _ => 0,
    };
    let from_end = view.and_then(|view| view.attribute("BasePoint")) == Some("End");
    let (skip, take) = if from_end {
        let end = total.saturating_sub(offset);
        (end.saturating_sub(most), end.min(most))
    } else {
        (offset, most)
    };
    let page: Vec<T> = found.into_iter().skip(skip).take(take).collect();
    let next = skip.min(total) + page.len();
    let last = if from_end { skip == 0 } else { next >= total };
    let root = format!(
        "IndexedPagingOffset=\"{}\" TotalItemsInView=\"{total}\" IncludesLastItemInRange=\"{last}\"",
        if from_end { total - skip.min(total) } else { next }
    );
    (page, root)
}
