//! External commands as collectors: JSON in, facts out, over a versioned handshake. Whatever goes wrong
//! with one costs its own facts only. Knows nothing of what the facts are good for.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::query::unreadable;
use super::{Access, Call, Context, Running, Yield};
use crate::facts::{Absence, Exchange, Reason, Shape, Timings, Tool, catalogue::Scope};
use crate::wire::json;
use crate::wire::program::{Command, Ran, Unfinished};

/// Version of the handshake.
pub const FORMAT: u32 = 1;

/// Marks what goes in.
const REQUEST: &str = "syncready-collect";

/// Marks what comes out.
const ANSWER: &str = "syncready-collected";

/// Most characters of what a command says that are passed on.
const SAID: usize = 400;

/// An external command that collects.
#[derive(Debug, Clone)]
pub struct Collector {
    /// Name: its facts stand below `external.NAME`.
    pub name: String,
    /// What is run.
    pub command: Command,
    /// How widely its facts hold.
    pub scope: Scope,
    /// How long it may take.
    pub deadline: Duration,
    /// The facts that it yields.
    pub facts: Shape,
}

/// What a collector reads from standard input: one JSON object.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Request {
    /// Version of the handshake. A collector that does not know it ends with a code other than 0.
    pub format: u32,
    /// Always `syncready-collect`.
    pub kind: String,
    /// Who asks.
    #[schemars(with = "BTreeMap<String, String>")]
    pub tool: Tool,
    /// Name of the collector in the configuration.
    pub collector: String,
    /// Milliseconds until the collector is ended.
    pub deadline_ms: u64,
    /// What facts are wanted about. There is never a secret in it.
    pub request: About,
}

/// What facts are wanted about.
#[derive(Debug, Serialize, JsonSchema)]
pub struct About {
    /// Address of the account; null for a collector whose scope is wider.
    pub account: Option<String>,
    /// Domain of the tenant, or the account's own.
    pub domain: String,
    /// Tenant id of the configuration.
    pub tenant_id: Option<String>,
    /// The product's app id; null for a collector of the tenant.
    pub client_id: Option<String>,
    /// World of the account, where it is known.
    pub world: Option<String>,
    /// Profile of the account.
    pub profile: String,
}

/// What a collector writes to standard output: one JSON object.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Answer {
    /// The version that was asked for.
    pub format: u32,
    /// Always `syncready-collected`.
    pub kind: String,
    /// The facts, as declared. Null or an empty list says: known to be empty. What is left out counts as
    /// not readable.
    #[serde(default)]
    pub facts: Map<String, Value>,
    /// Names that could not be read, and why.
    #[serde(default)]
    pub absent: BTreeMap<String, Lacking>,
}

/// Why a fact could not be read.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Lacking {
    /// denied, not-asked, throttled, timed-out, unlicensed, unreachable, unreadable or unsupported-here.
    #[schemars(with = "String")]
    pub reason: Reason,
    /// In words.
    pub text: Option<String>,
}

impl Collector {
    fn path(&self) -> String {
        format!("external.{}", self.name)
    }

    /// The row of the call table; it lives as long as the program, as the others do.
    pub(super) fn call(&self) -> Call {
        let path: &'static str = Box::leak(self.path().into_boxed_str());
        Call {
            name: path,
            scope: self.scope,
            yields: Box::leak(Box::new([path])),
            after: &[],
            access: Access::Anonymous,
            applies: |_| true,
            run,
        }
    }

    fn request(&self, context: &Context, deadline: Duration) -> Request {
        let target = &context.target;
        let own = self.scope == Scope::Account;
        let app = own || self.scope == Scope::App;
        Request {
            format: FORMAT,
            kind: REQUEST.into(),
            tool: Tool::this(),
            collector: self.name.clone(),
            deadline_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
            request: About {
                account: own.then(|| target.account.clone()),
                domain: target.domain.clone(),
                tenant_id: target.tenant_id.clone(),
                client_id: target.subject.client_id.clone().filter(|_| app),
                world: target.world.map(|world| world.as_str().to_owned()),
                profile: target.profile.clone(),
            },
        }
    }
}

fn run(context: Context) -> Running {
    Box::pin(async move {
        let extra = context.session.extra.clone();
        match extra.collector(context.call) {
            Some(collector) => collect(&context, collector).await,
            None => Yield::new(),
        }
    })
}

async fn collect(context: &Context, collector: &Collector) -> Yield {
    let left = context.session.deadline.saturating_duration_since(Instant::now());
    let deadline = collector.deadline.min(left);
    let request = collector.request(context, deadline);
    let input = serde_json::to_vec(&request).unwrap_or_default();
    let at = jiff::Timestamp::now();
    let ran = collector.command.run(input, deadline).await;
    let path = collector.path();
    let mut found = match take(collector, &ran) {
        Ok(found) => found,
        Err(absence) => {
            let mut nothing = Yield::new();
            nothing.absent(&path, absence);
            nothing
        }
    };
    found.exchange(evidence(collector, &ran, at));
    found
}

/// From what a command wrote to facts.
fn take(collector: &Collector, ran: &Ran) -> Result<Yield, Absence> {
    let path = collector.path();
    let bytes = ran.outcome.as_ref().map_err(|why| {
        let reason = match why {
            Unfinished::TimedOut(_) => Reason::TimedOut,
            _ => Reason::Unreadable,
        };
        let said = if ran.complaint.is_empty() {
            String::new()
        } else {
            format!(": {}", json::clip(&ran.complaint, SAID))
        };
        Absence::new(reason).with_text(format!("the collector {}: {why}{said}", collector.name))
    })?;
    let refuse = |text: &str| unreadable(format!("the collector {}: {text}", collector.name));
    let answer = json::parse(bytes).map_err(|text| refuse(&text))?;
    match (answer.get("kind").and_then(Value::as_str), answer.get("format").and_then(Value::as_u64)) {
        (Some(ANSWER), Some(format)) if format == u64::from(FORMAT) => {}
        (Some(ANSWER), Some(format)) => {
            return Err(refuse(&format!(
                "it answers in format {format}; this version reads format {FORMAT}"
            )));
        }
        _ => return Err(refuse(&format!("its answer has no `kind` \"{ANSWER}\" and no `format`"))),
    }
    let answer: Answer = serde_json::from_value(answer).map_err(|error| refuse(&error.to_string()))?;
    let mut found = Yield::new();
    let mut missing = Vec::new();
    let facts = collector.facts.fit(Value::Object(answer.facts), &path, &mut missing);
    found.set(&path, facts.ok_or_else(|| refuse("its facts are not as declared"))?);
    for (path, text) in missing {
        found.absent(&path, refuse(&text));
    }
    for (name, lacking) in answer.absent {
        if collector.facts.at(&format!(".{name}")).is_some() {
            let text = lacking.text.map(|text| json::clip(&text, SAID));
            let text = text.unwrap_or_else(|| format!("the collector {} could not read it", collector.name));
            found.absent(&format!("{path}.{name}"), Absence::new(lacking.reason).with_text(text));
        }
    }
    Ok(found)
}

fn evidence(collector: &Collector, ran: &Ran, at: jiff::Timestamp) -> Exchange {
    let program = collector.command.words.first().map_or("", String::as_str);
    let answer = match &ran.outcome {
        Ok(bytes) => json::clip(&String::from_utf8_lossy(bytes.get(..SAID).unwrap_or(bytes)), SAID),
        Err(why) => json::clip(&format!("{why}: {}", ran.complaint), SAID),
    };
    Exchange {
        method: "COMMAND".into(),
        url: format!("{}: {}", collector.name, json::clip(program, SAID)),
        ms: Timings { body: u64::try_from(ran.took.as_millis()).ok(), ..Timings::default() },
        at: at.to_string(),
        answer: Some(answer),
        facts: vec![collector.path()],
        ..Exchange::default()
    }
}
