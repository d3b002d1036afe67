//! From a pasted error to the proven cause, on the lab: what the product's log shows in a scenario, and
//! what the account proves.
//!
//! `PROOF=mfa cargo test --test troubleshoot` runs the scenarios with "mfa" in their names.

#[path = "support/schema.rs"]
mod schema;

use std::{collections::BTreeSet, sync::LazyLock};

use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;
use syncready::{
    cli::trial,
    engine::{Catalogue, Check, finders},
    knowledge::{
        Knowledge,
        diagnosis::{Diagnosis, Engine},
    },
    lab::{self, Scenario},
};

/// Labs at the same time: few enough that a slow machine does not look like a slow network.
const AT_ONCE: usize = 4;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(Knowledge::embedded()));

#[derive(Deserialize)]
struct Proofs {
    proof: Vec<Proof>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    scenario: String,
    text: String,
    cause: String,
    /// The text alone does not decide.
    #[serde(default)]
    vague: bool,
    /// Only a test sync proves it.
    #[serde(default)]
    sync: bool,
}

/// A proof, what its text says alone, and what was answered.
struct Shown {
    proof: Proof,
    alone: Diagnosis,
    answer: Result<(Value, u8), String>,
}

fn scenario(name: &str) -> Scenario {
    lab::scenario(name).unwrap_or_else(|| panic!("there is no scenario {name}"))
}

static ALL: LazyLock<Vec<Shown>> = LazyLock::new(|| {
    let proofs: Proofs = toml::from_str(include_str!("proofs.toml")).expect("proofs");
    let part = std::env::var("PROOF").unwrap_or_default();
    let one = |proof: Proof| async move {
        let alone = ENGINE.text(&proof.text);
        let answer = trial::troubleshoot(&scenario(&proof.scenario), Some(alone.clone()), proof.sync).await;
        Shown { proof, alone, answer }
    };
    let wanted = proofs.proof.into_iter().filter(|proof| proof.scenario.contains(&part));
    runtime().block_on(stream::iter(wanted).map(one).buffered(AT_ONCE).collect())
});

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("threads")
}

fn complain(about: impl Fn(&Shown, &Value, u8) -> Vec<String>) {
    let mut complaints = Vec::new();
    for shown in ALL.iter() {
        let found = match &shown.answer {
            Ok((answer, code)) => about(shown, answer, *code),
            Err(error) => vec![error.clone()],
        };
        complaints.extend(found.into_iter().map(|text| format!("{}: {text}", shown.proof.scenario)));
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn texts(value: &Value) -> BTreeSet<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn the_account_proves_what_the_text_suggests() {
    complain(|shown, answer, code| {
        let first = &answer["causes"][0];
        let right = first["cause"] == *shown.proof.cause && first["proven"] == true && code == 0;
        let all: Vec<String> = answer["causes"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|cause| format!("{} {} ({})", cause["cause"], cause["verdict"], cause["reason"]))
            .collect();
        if right { Vec::new() } else { vec![format!("exit {code}, not {}: {all:#?}", shown.proof.cause)] }
    });
}

#[test]
fn enough_scenarios_are_shown_and_most_texts_name_what_is_proven() {
    if std::env::var_os("PROOF").is_some() {
        return;
    }
    let scenarios: BTreeSet<&str> = ALL.iter().map(|shown| &*shown.proof.scenario).collect();
    assert!(scenarios.len() >= 60 && scenarios.len() == ALL.len(), "{}", scenarios.len());
    let named =
        |shown: &&Shown| shown.answer.as_ref().is_ok_and(|(answer, _)| answer["causes"][0]["named"] == true);
    let named = ALL.iter().filter(named).count();
    assert!(named >= 45, "{named}");
}

#[test]
fn a_vague_text_decides_nothing_and_a_clear_one_names_the_cause() {
    complain(|shown, _, _| {
        let found = &shown.alone.candidates;
        let place = found.iter().position(|candidate| candidate.cause == shown.proof.cause);
        let decided = place == Some(0) && found[0].confidence >= 0.7;
        match (shown.proof.vague, place) {
            (true, _) if decided => vec![format!("the text decides: {:?}", found.first())],
            (false, place) if place.is_none_or(|place| place > 2) => {
                vec![format!("the text says something else: {:?}", found.first())]
            }
            _ => Vec::new(),
        }
    });
}

/// No check can tell anything of what the text suggests: there was nothing to go on from.
fn mute(shown: &Shown) -> bool {
    let mut candidates = shown.alone.candidates.iter();
    candidates.all(|candidate| finders(Catalogue::embedded(), &candidate.cause).is_empty())
}

#[test]
fn only_checks_that_can_decide_are_run_where_one_does() {
    complain(|shown, answer, _| {
        let named = answer["causes"].as_array().into_iter().flatten();
        let decided = named.clone().any(|cause| cause["named"] == true && cause["proven"] == true);
        if answer["went_on"] != (!decided && !shown.alone.candidates.is_empty()) && !mute(shown) {
            return vec![format!("went on: {}, though decided: {decided}", answer["went_on"])];
        }
        if !decided {
            return Vec::new();
        }
        let deciding: BTreeSet<&str> = shown
            .alone
            .candidates
            .iter()
            .flat_map(|candidate| finders(Catalogue::embedded(), &candidate.cause))
            .map(Check::id)
            .collect();
        let run = answer["checks_run"].as_array().into_iter().flatten();
        run.filter(|run| {
            run["result"] != "fail" && !deciding.contains(run["check"].as_str().unwrap_or_default())
        })
        .map(|run| format!("{} decides nothing", run["check"]))
        .collect()
    });
}

#[test]
fn every_verdict_has_a_reason_and_every_proof_its_evidence() {
    complain(|_, answer, _| {
        let mut wrong = Vec::new();
        let known: BTreeSet<&str> =
            answer["evidence"].as_object().into_iter().flatten().map(|(id, _)| id.as_str()).collect();
        for cause in answer["causes"].as_array().into_iter().flatten() {
            if cause["reason"].as_str().is_none_or(str::is_empty) {
                wrong.push(format!("{} has no reason", cause["cause"]));
            }
            if cause["proven"] == true && cause["fix"].as_array().is_none_or(Vec::is_empty) {
                wrong.push(format!("{} is proven and has no way out", cause["cause"]));
            }
            if !texts(&cause["evidence"]).is_subset(&known) {
                wrong.push(format!("{} rests on exchanges that are not there", cause["cause"]));
            }
        }
        wrong
    });
}

#[test]
fn answers_fit_their_schema() {
    let schema = schema::schema("troubleshoot.schema.json");
    complain(|_, answer, _| schema::fits(&schema, &schema, answer, "answer").err().into_iter().collect());
}
