//! Lists of users of whom most are computed: what the query shows of each is worked out once for all that
//! are alike, and only the number is put in for each.

use std::borrow::Cow;
use std::rc::Rc;

use serde_json::Value;

use super::directory::complete;
use super::odata::{Rows, select};
use super::routes::Call;
use super::schema::Entity;
use crate::lab::crowd::{Crowd, Side, fill};
use crate::lab::view::{has, public};

/// What all users of one kind look like: whole, and as the query shows them.
struct Alike {
    whole: Value,
    shown: Value,
}

/// Users that are written down, and behind them the crowd, or those of it in the group of that id.
pub(super) fn rows<'a>(
    call: &'a Call<'a>,
    entity: &'a Entity,
    written: &'a [Value],
    group: Option<&'a str>,
) -> Rows<'a> {
    let crowd = call.view.crowd();
    let kinds = Rc::new(crowd.map(|crowd| alike(call, entity, crowd, group)).unwrap_or_default());
    let first = written.len();
    let others = crowd.map_or(0, |crowd| usize::try_from(crowd.count()).unwrap_or(usize::MAX));
    let made = move |place: usize, form: fn(&Alike) -> &Value| {
        let number = u64::try_from(place.checked_sub(first)?).ok()? + 1;
        Some(fill(form(kinds.get(crowd?.kind_of(number))?.as_ref()?), number))
    };
    let computed = made.clone();
    Rows {
        places: first + others,
        row: Box::new(move |place| match written.get(place) {
            Some(row) => Some(Cow::Borrowed(row)),
            None => made(place, |alike| &alike.whole).map(Cow::Owned),
        }),
        shown: Box::new(move |place| match written.get(place) {
            Some(row) => Some(select(row, entity, &call.query)),
            None => computed(place, |alike| &alike.shown),
        }),
    }
}

/// By kind: what they look like; `None` for those who are not in the list.
fn alike(call: &Call, entity: &Entity, crowd: &Crowd, group: Option<&str>) -> Vec<Option<Alike>> {
    let one = |kind| {
        let user = crowd.template(Side::Users, kind)?;
        let whole = match group {
            None => complete(call, user),
            Some(id) => {
                call.view.groups_of(user, true).into_iter().find(|own| has(own, "id", id))?;
                public(user)
            }
        };
        let shown = select(&whole, entity, &call.query);
        Some(Alike { whole, shown })
    };
    (0..crowd.kinds()).map(one).collect()
}
