//! A check of a scenario on a lab of its own, for tests and measurements: the same route as
//! `check --demo`, with everything in hand that a terminal does not show.

use std::path::PathBuf;

use super::{
    args, bundle, check,
    config::Source,
    live,
    own::Brought,
    select,
    trouble::Trouble,
    troubleshoot::{Log, Question, answer},
};
use crate::{
    collect::session::Tasks,
    engine::{Catalogue, Report, Selection},
    facts::Document,
    knowledge::diagnosis::Diagnosis,
    lab::{Lab, Options, RequestLog, Scenario},
};

/// What came of it.
#[derive(Debug)]
pub struct Trial {
    /// The facts.
    pub document: Document,
    /// The report.
    pub report: Report,
    /// What the lab was asked.
    pub requests: Vec<RequestLog>,
    /// Every secret of the lab's world.
    pub secrets: Vec<String>,
    /// The world itself.
    pub world: serde_json::Value,
    /// The configuration that reached it.
    pub config: String,
}

/// Runs a scenario. `configure` may add to the configuration that the lab wrote.
///
/// # Errors
///
/// In words, when the lab did not start or its configuration was refused.
pub async fn run(
    scenario: &Scenario,
    options: Options,
    configure: impl FnOnce(&str) -> String + Send,
) -> Result<Trial, String> {
    let lab = Lab::start(scenario, options).await.map_err(|error| error.to_string())?;
    let brought = Brought::nothing();
    let mut args = args::Check::plain();
    if let Some(wanted) = &scenario.sync {
        args.sync = true;
        args.test_sync.yes = wanted.yes;
    }
    let selection =
        select::selection(brought.catalogue(), &args).map_err(|problem| in_words(problem.into()))?;
    let config = configure(lab.config_toml());
    let source = live::lab_source(scenario, &lab, config.clone());
    let examined = async {
        let plan = live::planned(&args, source, brought.catalogue())?;
        live::examine(&args, plan, &brought, &selection, None).await
    };
    let document = examined.await.map_err(in_words)?;
    let report = check::judge(&document, brought.catalogue(), &selection).map_err(in_words)?;
    let world = lab.world().document().clone();
    Ok(Trial { document, report, requests: lab.requests(), secrets: secrets(&lab), world, config })
}

/// What came of troubleshooting.
#[derive(Debug)]
pub struct Troubled {
    /// The answer as JSON.
    pub answer: serde_json::Value,
    /// The exit code.
    pub code: u8,
    /// What the lab was asked.
    pub requests: Vec<RequestLog>,
}

/// Troubleshoots a scenario's account as `troubleshoot --demo` does, with what a log says or without a
/// log.
///
/// # Errors
///
/// In words, when the lab did not start or its configuration was refused.
pub async fn troubleshoot(
    scenario: &Scenario,
    log: Option<Diagnosis>,
    sync: bool,
) -> Result<Troubled, String> {
    let lab = Lab::start(scenario, Options::default()).await.map_err(|error| error.to_string())?;
    let brought = Brought::nothing();
    let mut args = args::Check { sync, ..args::Check::plain() };
    args.test_sync.yes = scenario.sync.as_ref().is_some_and(|wanted| sync && wanted.yes);
    let all = select::selection(brought.catalogue(), &args).map_err(|problem| in_words(problem.into()))?;
    let log = log.map(|diagnosis| Log { name: "the log".into(), diagnosis });
    let (catalogue, knowledge) = (brought.catalogue(), brought.knowledge());
    let question = Question { log: log.as_ref(), catalogue, knowledge, all: &all, sync };
    let tasks = Tasks::default();
    let asked = live::lab_in_rounds((scenario, &lab), &args, &brought, &tasks, async |rounds| {
        answer(&question, async |selection| rounds.round(selection).await).await
    });
    let answer = asked.await.map_err(in_words)?;
    let json = serde_json::from_str(&answer.topic.json()).map_err(|error| error.to_string())?;
    Ok(Troubled { answer: json, code: answer.code, requests: lab.requests() })
}

/// Judges facts as `check --from` does.
///
/// # Errors
///
/// In words, when the facts name an unknown profile.
pub fn replay(document: &Document) -> Result<Report, String> {
    check::judge(document, Catalogue::embedded(), &Selection::default()).map_err(in_words)
}

/// Makes a bundle of facts as `bundle --from` does, with a configuration and with logs.
///
/// # Errors
///
/// In words, when something cannot be read.
pub fn bundle(document: &Document, config: &str, logs: Vec<PathBuf>) -> Result<bundle::Made, String> {
    let source = Source { name: "syncready.toml".into(), folder: PathBuf::new(), text: config.to_owned() };
    let create = bundle::args::Create { logs, ..bundle::args::Create::plain() };
    let selection = Selection::default();
    bundle::assemble(document, &Brought::nothing(), &selection, Some(&source), &create).map_err(in_words)
}

fn in_words(trouble: Trouble) -> String {
    match trouble {
        Trouble::Ours(message) | Trouble::Undetermined(message) => message,
        Trouble::Signal(code) => format!("signal, exit code {code}"),
        Trouble::Usage(problem) => problem.render(false, false),
    }
}

fn secrets(lab: &Lab) -> Vec<String> {
    let world = lab.world();
    let users =
        world.entries("/users").flat_map(|(_, user)| [&user["x"]["password"], &user["x"]["refresh_token"]]);
    let apps = world.entries("/service_principals").map(|(_, app)| &app["x"]["secret"]);
    let servers = world.entries("/ews/users").map(|(_, user)| &user["password"]);
    let all = users.chain(apps).chain(servers).filter_map(|value| value.as_str());
    all.filter(|secret| secret.len() >= 6).map(str::to_owned).collect()
}
