//! Facts as values of the rule language, with a trace of what a rule read.
//!
//! Reading a key that a fact map does not hold is written down as *absent*, however the expression
//! goes on: that is what turns a rule into "unknown" instead of into a wrong answer.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use cel::ExecutionError;
use cel::common::traits::{self, Adder, Container, Indexer, Iterable, Sizer};
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelNull, CelString, LIST_TYPE, MAP_TYPE, Type,
};
use cel::common::value::{CowVal, StaticVal, Val};
use serde_json::Value;

/// What one evaluation read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// Paths of leaf facts and lists that were there.
    pub read: Vec<String>,
    /// Paths that were asked for and are missing.
    pub absent: Vec<String>,
}

/// Most rounds that the loops of one evaluation may take together.
const ROUNDS: usize = 100_000;

thread_local! {
    static TRACE: RefCell<Trace> = RefCell::default();
    static ROUNDS_LEFT: Cell<usize> = const { Cell::new(ROUNDS) };
}

/// Takes rounds from what an evaluation may spend; false when that is used up.
pub fn spend(rounds: usize) -> bool {
    let left = ROUNDS_LEFT.get().checked_sub(rounds.saturating_add(1));
    ROUNDS_LEFT.set(left.unwrap_or(0));
    left.is_some()
}

/// Runs an evaluation and returns what it read. Evaluations run on one thread and do not nest.
pub fn traced<T>(run: impl FnOnce() -> T) -> (T, Trace) {
    TRACE.take();
    ROUNDS_LEFT.set(ROUNDS);
    let result = run();
    (result, TRACE.take())
}

fn note_read(path: String) {
    TRACE.with_borrow_mut(|trace| trace.read.push(path));
}

fn note_absent(path: String) {
    TRACE.with_borrow_mut(|trace| trace.absent.push(path));
}

/// Turns JSON into a value. All whole numbers become `int`; with `open`, reading a key that is not
/// there is traced as absent.
pub fn to_val(json: &Value, path: &str, open: bool) -> Box<dyn Val> {
    match json {
        Value::Null => Box::new(CelNull),
        Value::Bool(value) => Box::new(CelBool::from(*value)),
        Value::Number(number) => match number.as_i64() {
            Some(value) => Box::new(CelInt::from(value)),
            None => Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
        },
        Value::String(text) => Box::new(CelString::from(text.clone())),
        Value::Array(items) => {
            let item = |(index, item)| below(item, open, || format!("{path}[{index}]"));
            Box::new(FactList(items.iter().enumerate().map(item).collect()))
        }
        Value::Object(fields) => {
            let entry = |(key, value): (&String, &Value)| {
                (key.clone(), below(value, open, || format!("{path}.{key}")))
            };
            Box::new(FactMap(Arc::new(Node {
                path: path.to_owned(),
                entries: fields.iter().map(entry).collect(),
                open,
                aliases: BTreeMap::new(),
            })))
        }
    }
}

/// A value within another; only what holds further values needs to know where it stands.
fn below(json: &Value, open: bool, path: impl FnOnce() -> String) -> Box<dyn Val> {
    let path = if json.is_object() || json.is_array() { path() } else { String::new() };
    to_val(json, &path, open)
}

/// An open map whose entries stand in the document under other keys: (name, key, value if it is there).
pub fn aliased<'j>(
    path: &str,
    entries: impl IntoIterator<Item = (&'j str, &'j str, Option<&'j Value>)>,
) -> Box<dyn Val> {
    let mut node =
        Node { path: path.to_owned(), entries: BTreeMap::new(), open: true, aliases: BTreeMap::new() };
    for (name, key, value) in entries {
        node.aliases.insert(name.to_owned(), key.to_owned());
        if let Some(value) = value {
            node.entries.insert(name.to_owned(), to_val(value, &format!("{path}.{key}"), true));
        }
    }
    Box::new(FactMap(Arc::new(node)))
}

#[derive(Debug)]
struct Node {
    path: String,
    entries: BTreeMap<String, Box<dyn Val>>,
    open: bool,
    /// Names whose entry is called otherwise in the document.
    aliases: BTreeMap<String, String>,
}

/// An object of the facts document. Clones share their contents.
#[derive(Debug, Clone)]
pub struct FactMap(Arc<Node>);

impl FactMap {
    fn look_up(&self, key: &dyn Val) -> Result<Option<&(dyn Val + 'static)>, ExecutionError> {
        let Some(key) = key.downcast_ref::<CelString>() else {
            return Err(ExecutionError::UnexpectedType {
                got: key.get_type().name().to_owned(),
                want: "string".to_owned(),
            });
        };
        let key: &str = key.inner();
        let found = self.0.entries.get(key);
        let called = self.0.aliases.get(key).map_or(key, String::as_str);
        match found {
            Some(value) if value.downcast_ref::<FactMap>().is_some() => {}
            Some(_) => note_read(format!("{}.{called}", self.0.path)),
            None if self.0.open => note_absent(format!("{}.{called}", self.0.path)),
            None => {}
        }
        Ok(found.map(AsRef::as_ref))
    }
}

impl StaticVal for FactMap {}

impl Val for FactMap {
    fn get_type(&self) -> &Type {
        &MAP_TYPE
    }
    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }
    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }
    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }
    fn into_indexer<'v>(self: Box<Self>) -> Option<Box<dyn Indexer + 'v>>
    where
        Self: 'v,
    {
        Some(self)
    }
    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }
    fn equals(&self, other: &dyn Val) -> bool {
        other.downcast_ref::<Self>().is_some_and(|other| {
            self.0.entries.len() == other.0.entries.len()
                && self
                    .0
                    .entries
                    .iter()
                    .all(|(key, value)| other.0.entries.get(key).is_some_and(|v| value.equals(&**v)))
        })
    }
    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }
    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl Container for FactMap {
    fn contains(&self, key: &dyn Val) -> Result<bool, ExecutionError> {
        Ok(self.look_up(key)?.is_some())
    }
}

impl Indexer for FactMap {
    fn get<'b, 'v>(&'b self, key: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        if let Some(value) = self.look_up(key)? {
            return Ok(CowVal::Borrowed(value));
        }
        let key = key.downcast_ref::<CelString>().map_or("", |key| key.inner());
        Err(ExecutionError::NoSuchKey(Arc::new(format!("{}.{key}", self.0.path))))
    }
    fn steal<'v>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(key).map(CowVal::into_owned)
    }
}

impl Sizer for FactMap {
    fn size(&self) -> CelInt {
        count(self.0.entries.len())
    }
}

fn count(length: usize) -> CelInt {
    CelInt::from(i64::try_from(length).unwrap_or(i64::MAX))
}

/// A list of the facts document. Clones share their contents.
#[derive(Debug, Clone)]
pub struct FactList(Arc<[Box<dyn Val>]>);

impl StaticVal for FactList {}

impl Val for FactList {
    fn get_type(&self) -> &Type {
        &LIST_TYPE
    }
    fn cel_type() -> &'static Type {
        &LIST_TYPE
    }
    fn as_adder<'b, 'v>(&'b self) -> Option<&'b (dyn Adder + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }
    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }
    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }
    fn into_indexer<'v>(self: Box<Self>) -> Option<Box<dyn Indexer + 'v>>
    where
        Self: 'v,
    {
        Some(self)
    }
    fn as_iterable<'b, 'v>(&'b self) -> Option<&'b (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }
    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }
    fn equals(&self, other: &dyn Val) -> bool {
        let Some(other) = other.as_iterable() else { return false };
        let mut others = other.iter();
        let same = self.0.iter().all(|item| others.next().is_some_and(|other| item.equals(other)));
        same && others.next().is_none()
    }
    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }
    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl Adder for FactList {
    fn add<'b, 'v>(&'b self, rhs: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let Some(more) = rhs.as_iterable() else {
            return Err(ExecutionError::UnexpectedType {
                got: rhs.get_type().name().to_owned(),
                want: "list".to_owned(),
            });
        };
        let mut items: Vec<Box<dyn Val + 'v>> = self.0.iter().map(|item| item.clone_as_boxed()).collect();
        let mut more = more.iter();
        while let Some(item) = more.next() {
            items.push(item.clone_as_boxed());
        }
        Ok(CowVal::owned(CelList::from(items)))
    }
}

impl Container for FactList {
    fn contains(&self, value: &dyn Val) -> Result<bool, ExecutionError> {
        Ok(self.0.iter().any(|item| item.equals(value)))
    }
}

impl Indexer for FactList {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let at = index.downcast_ref::<CelInt>().and_then(|index| usize::try_from(*index.inner()).ok());
        match at.and_then(|at| self.0.get(at)) {
            Some(item) => Ok(CowVal::Borrowed(item.as_ref())),
            None => Err(ExecutionError::function_error("[]", "the list has no such element")),
        }
    }
    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(index).map(CowVal::into_owned)
    }
}

struct Items<'b>(std::slice::Iter<'b, Box<dyn Val>>);

impl<'b, 'v> traits::Iterator<'b, 'v> for Items<'b> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        self.0.next().map(|item| item.as_ref() as &(dyn Val + 'v))
    }
}

impl Iterable for FactList {
    fn iter<'b, 'v>(&'b self) -> Box<dyn traits::Iterator<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        Box::new(Items(self.0.iter()))
    }
}

impl Sizer for FactList {
    fn size(&self) -> CelInt {
        count(self.0.len())
    }
}
