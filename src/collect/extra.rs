//! Calls that the user's files bring besides the call table.

use super::Call;
use super::external::Collector;
use super::query::Query;

/// Queries of checks and external collectors, each with its row.
#[derive(Debug, Default)]
pub struct Extra {
    queries: Vec<(&'static Call, Query)>,
    collectors: Vec<(&'static Call, Collector)>,
}

impl Extra {
    /// Equal queries are one.
    pub fn new(queries: Vec<Query>, collectors: Vec<Collector>) -> Self {
        let mut extra = Self::default();
        for query in queries {
            if !extra.queries.iter().any(|(_, known)| known.key == query.key) {
                extra.queries.push((Box::leak(Box::new(query.call())), query));
            }
        }
        let collectors = collectors.into_iter();
        extra.collectors = collectors
            .map(|own| -> (&'static Call, Collector) { (Box::leak(Box::new(own.call())), own) })
            .collect();
        extra
    }

    /// The rows.
    pub fn calls(&self) -> impl Iterator<Item = &'static Call> {
        let queries = self.queries.iter().map(|(call, _)| *call);
        queries.chain(self.collectors.iter().map(|(call, _)| *call))
    }

    pub(super) fn query(&self, call: &str) -> Option<(&'static Call, &Query)> {
        self.queries.iter().find(|(row, _)| row.name == call).map(|(row, query)| (*row, query))
    }

    pub(super) fn collector(&self, call: &str) -> Option<&Collector> {
        self.collectors.iter().find(|(row, _)| row.name == call).map(|(_, collector)| collector)
    }
}
