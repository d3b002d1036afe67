//! What a policy asks for, and how it is told.

use serde_json::{Map, Value, json};

use super::{is_location_bound, same};
use crate::collect::directory::{text, texts, time};

/// Controls that take a managed device or app.
const DEVICE: [&str; 4] =
    ["compliantdevice", "domainjoineddevice", "approvedapplication", "compliantapplication"];

/// What a policy asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demand {
    /// It lets nobody in.
    pub blocks: bool,
    /// A person is needed.
    pub interactive: bool,
    /// A managed device or app is needed.
    pub device: bool,
    /// Controls, as words.
    pub controls: Vec<String>,
}

/// What kind of proof one control asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Control {
    Free,
    Interactive,
    Device,
}

/// What a policy asks of a client that runs without a person.
pub fn demand(policy: &Value) -> Demand {
    let grant = policy.get("grantControls").unwrap_or(&Value::Null);
    let built_in = texts(grant, "builtInControls");
    let mut demand =
        Demand { blocks: built_in.iter().any(|control| same(control, "block")), ..Demand::default() };
    let mut kinds: Vec<_> = built_in.iter().map(|control| kind(control)).collect();
    demand.controls.extend(built_in);
    if let Some(strength) = grant.get("authenticationStrength").filter(|strength| strength.is_object()) {
        let single = strength.get("requirementsSatisfied").and_then(Value::as_str) == Some("none");
        kinds.push(if single { Control::Free } else { Control::Interactive });
        let name = strength.get("displayName").and_then(Value::as_str);
        demand.controls.push(
            name.map_or("authentication strength".into(), |name| format!("authentication strength {name}")),
        );
    }
    for (list, word) in [("termsOfUse", "terms of use"), ("customAuthenticationFactors", "custom control")] {
        if !texts(grant, list).is_empty() {
            kinds.push(Control::Interactive);
            demand.controls.push(word.into());
        }
    }
    let needs = |wanted| kinds.contains(&wanted);
    let all = grant.get("operator").and_then(Value::as_str).is_some_and(|operator| same(operator, "AND"));
    if !demand.blocks && (all || !needs(Control::Free)) {
        demand.interactive = needs(Control::Interactive);
        demand.device = needs(Control::Device) && (all || !demand.interactive);
    }
    demand
}

fn kind(control: &str) -> Control {
    let control = control.to_ascii_lowercase();
    if DEVICE.contains(&control.as_str()) {
        Control::Device
    } else if control.is_empty() {
        Control::Free
    } else {
        // A control that is not known yet is one that a service cannot be counted on to satisfy.
        Control::Interactive
    }
}

/// Sign-in frequency in hours; 0: every time; null: none.
pub(super) fn frequency(policy: &Value) -> Value {
    let frequency = policy.pointer("/sessionControls/signInFrequency").unwrap_or(&Value::Null);
    if frequency.is_null() || frequency.get("isEnabled") == Some(&Value::Bool(false)) {
        return Value::Null;
    }
    if frequency["frequencyInterval"].as_str().is_some_and(|interval| same(interval, "everyTime")) {
        return 0.into();
    }
    let hours = if frequency["type"].as_str().is_some_and(|unit| same(unit, "days")) { 24 } else { 1 };
    frequency["value"].as_i64().and_then(|value| value.checked_mul(hours)).map_or(Value::Null, Value::from)
}

/// `enabled`, `disabled` or `report-only`.
pub fn state(policy: &Value) -> &'static str {
    match policy.get("state").and_then(Value::as_str).unwrap_or_default() {
        "enabled" => "enabled",
        "enabledForReportingButNotEnforced" => "report-only",
        _ => "disabled",
    }
}

/// One row of `mfa.policies`.
pub fn row(policy: &Value, undecided: &[&str], source: &str) -> Value {
    let demand = demand(policy);
    let name = policy.get("displayName").and_then(Value::as_str).unwrap_or_default();
    let managed = name.to_ascii_lowercase().starts_with("microsoft-managed");
    let mut row = Map::new();
    row.insert("id".into(), text(policy, "id"));
    row.insert("name".into(), text(policy, "displayName"));
    row.insert("state".into(), state(policy).into());
    row.insert("certain".into(), undecided.is_empty().into());
    row.insert("undecided".into(), json!(undecided));
    row.insert("blocks".into(), demand.blocks.into());
    row.insert("requires_mfa".into(), demand.interactive.into());
    row.insert("requires_device".into(), demand.device.into());
    row.insert("controls".into(), json!(demand.controls));
    let bound = is_location_bound(policy.get("conditions").unwrap_or(&Value::Null));
    row.insert("location_bound".into(), bound.into());
    row.insert("sign_in_frequency_hours".into(), frequency(policy));
    row.insert("microsoft_managed".into(), managed.into());
    row.insert("created_at".into(), time(policy, "createdDateTime"));
    row.insert("modified_at".into(), time(policy, "modifiedDateTime"));
    row.insert("source".into(), source.into());
    Value::Object(row)
}
