//! A check of a scenario on a lab of its own, for tests and measurements: the same route as
//! `check --demo`, with everything in hand that a terminal does not show.

use super::{args, check, live, own::Brought, select, trouble::Trouble};
use crate::{
    engine::{Catalogue, Report, Selection},
    facts::Document,
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
    let source = live::lab_source(scenario, &lab, configure(lab.config_toml()));
    let examined = async {
        let plan = live::planned(&args, source, brought.catalogue())?;
        live::examine(&args, plan, &brought, &selection, None).await
    };
    let document = examined.await.map_err(in_words)?;
    let report = check::judge(&document, brought.catalogue(), &selection).map_err(in_words)?;
    Ok(Trial { document, report, requests: lab.requests(), secrets: secrets(&lab) })
}

/// Judges facts as `check --from` does.
///
/// # Errors
///
/// In words, when the facts name an unknown profile.
pub fn replay(document: &Document) -> Result<Report, String> {
    check::judge(document, Catalogue::embedded(), &Selection::default()).map_err(in_words)
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
