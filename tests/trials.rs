//! Every scenario on its own lab: no secret is told, and nothing is asked twice.

use std::sync::LazyLock;

use futures_util::{StreamExt, stream};
use syncready::{
    cli::trial::{self, Trial},
    lab::{self, Options, Scenario},
    report::{self, Style},
};

/// Labs at the same time: few enough that a slow machine does not look like a slow network.
const AT_ONCE: usize = 4;

static TRIALS: LazyLock<Vec<(Scenario, Result<Trial, String>)>> = LazyLock::new(|| {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let one = |scenario: Scenario| async move {
        let trial = trial::run(&scenario, Options::default(), str::to_owned).await;
        (scenario, trial)
    };
    runtime.block_on(stream::iter(lab::scenarios()).map(one).buffered(AT_ONCE).collect())
});

fn complain(about: impl Fn(&Scenario, &Trial) -> Vec<String>) {
    let mut complaints = Vec::new();
    for (scenario, trial) in TRIALS.iter() {
        let found = match trial {
            Ok(trial) => about(scenario, trial),
            Err(error) => vec![error.clone()],
        };
        complaints.extend(found.into_iter().map(|text| format!("{}: {text}", scenario.name)));
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn no_secret_is_told() {
    complain(|_, trial| {
        let facts = serde_json::to_string(&trial.document).expect("documents serialize");
        let json = report::json::render(&trial.report);
        let table = report::table::render(&trial.report, &Style::default());
        let mut complaints = Vec::new();
        for (name, text) in [("facts", &facts), ("JSON", &json), ("table", &table)] {
            if trial.secrets.iter().any(|secret| text.contains(secret.as_str())) {
                complaints.push(format!("a secret stands in the {name}"));
            }
            // Every signed token begins like this.
            if text.contains("eyJ") {
                complaints.push(format!("a token stands in the {name}"));
            }
        }
        complaints
    });
}

#[test]
fn nothing_is_asked_twice() {
    complain(|scenario, trial| {
        // A server that pushes back is asked again, as it wants.
        if !scenario.patch["faults"].is_null() {
            return Vec::new();
        }
        let twice = trial.requests.iter().filter(|request| request.count > 1);
        twice
            .filter(|request| request.method == "GET" && !request.path.contains("InvokeCommand"))
            .map(|request| format!("{} {}{} × {}", request.method, request.host, request.path, request.count))
            .collect()
    });
}
