//! The functions that rules may call besides the language's own.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use cel::common::types::{
    CelBool, CelDuration, CelInt, CelList, CelString, DURATION_TYPE, INT_TYPE, LIST_TYPE, MAP_TYPE,
    STRING_TYPE,
};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError, extensions};

use super::value::spend;

/// The environment that every rule is compiled and evaluated in.
pub static ENV: LazyLock<Arc<Env>> =
    LazyLock::new(|| Arc::new(environment().expect("our functions do not clash with the standard ones")));

/// Names of the functions and methods that a rule may use, for the linter and its suggestions.
pub const NAMES: &[&str] = &[
    "bool",
    "charAt",
    "contains",
    "date",
    "days",
    "distinct",
    "domain",
    "double",
    "duration",
    "endsWith",
    "getDate",
    "getDayOfMonth",
    "getFullYear",
    "getHours",
    "getMonth",
    "hasValue",
    "indexOf",
    "int",
    "join",
    "lastIndexOf",
    "lowerAscii",
    "matches",
    "of",
    "optional.none",
    "optional.of",
    "or",
    "orValue",
    "replace",
    "size",
    "sort",
    "split",
    "startsWith",
    "string",
    "substring",
    "timestamp",
    "trim",
    "type",
    "upperAscii",
    "value",
];

/// Name of the function that counts the rounds of loops. No rule can write it.
pub const ROUNDS: &str = "@rounds";

/// Longest list that `sort` and `distinct` take.
const LIST_LIMIT: usize = 10_000;

fn environment() -> Result<Env, DeclarationError> {
    let mut env = Env::stdlib();
    extensions::strings(&mut env)?;
    env.add_overload("days", "days(int)", vec![INT_TYPE], |args| {
        let days = args[0].downcast_ref::<CelInt>().map_or(0, |days| *days.inner());
        let length = chrono::Duration::try_days(days)
            .ok_or_else(|| ExecutionError::function_error("days", "more days than a duration holds"))?;
        Ok(CowVal::owned(CelDuration::from(length)))
    })?;
    env.add_overload("days", "days(duration)", vec![DURATION_TYPE], |args| {
        let length = args[0].downcast_ref::<CelDuration>();
        let days = length.map_or(0, |length| length.inner().num_days());
        Ok(CowVal::owned(CelInt::from(days)))
    })?;
    env.add_overload("date", "date(string)", vec![STRING_TYPE], |args| {
        let text = text(&args[0]);
        Ok(CowVal::owned(CelString::from(text.get(..10).unwrap_or(text).to_owned())))
    })?;
    env.add_overload("domain", "domain(string)", vec![STRING_TYPE], |args| {
        let text = text(&args[0]);
        let domain = text.rsplit_once('@').map_or(text, |(_, domain)| domain);
        Ok(CowVal::owned(CelString::from(domain.to_owned())))
    })?;
    env.add_overload("sort", "sort(list)", vec![LIST_TYPE], |args| {
        let mut items = items("sort", &args[0])?;
        items.sort_by(|a, b| {
            a.as_comparer().and_then(|a| a.compare(b.as_ref()).ok()).unwrap_or(Ordering::Equal)
        });
        Ok(CowVal::owned(CelList::from(items)))
    })?;
    env.add_overload("distinct", "distinct(list)", vec![LIST_TYPE], |args| {
        let mut seen = BTreeSet::new();
        let mut items = items("distinct", &args[0])?;
        items.retain(|item| seen.insert(format!("{item:?}")));
        Ok(CowVal::owned(CelList::from(items)))
    })?;
    for kind in [LIST_TYPE, MAP_TYPE] {
        env.add_overload(ROUNDS, &format!("{ROUNDS}({})", kind.name()), vec![kind], |args| {
            let rounds = args[0].as_sizer().map_or(1, |list| *list.size().inner());
            if spend(usize::try_from(rounds).unwrap_or(usize::MAX)) {
                Ok(CowVal::Owned(args[0].clone_as_boxed()))
            } else {
                Err(ExecutionError::function_error("loop", "the rule takes too many rounds"))
            }
        })?;
    }
    Ok(env)
}

fn text<'a>(value: &'a CowVal<'_, '_>) -> &'a str {
    value.downcast_ref::<CelString>().map_or("", |text| text.inner())
}

fn items<'v>(function: &str, list: &CowVal<'_, 'v>) -> Result<Vec<Box<dyn Val + 'v>>, ExecutionError> {
    let mut copies = Vec::new();
    let Some(list) = list.as_iterable() else { return Ok(copies) };
    let mut iter = list.iter();
    while let Some(item) = iter.next() {
        if copies.len() == LIST_LIMIT {
            return Err(ExecutionError::function_error(function, "the list is too long"));
        }
        copies.push(item.clone_as_boxed());
    }
    Ok(copies)
}

/// The value of a boolean expression; `None` when it is of another kind.
pub fn as_bool(value: &dyn Val) -> Option<bool> {
    value.downcast_ref::<CelBool>().map(|value| *value.inner())
}
