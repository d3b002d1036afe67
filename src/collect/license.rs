//! The account's licenses: which Exchange plans it has, and what each of them is good for.

use serde_json::{Value, json};

use super::directory::{Entry, Reading, Stop, found, in_the_cloud, reads, row, rows, text, time};
use super::{Call, Context, Yield};

pub(super) const CALLS: &[Call] = &[
    row!("graph.licenses", Account,
        reads("LicenseAssignment.Read.All", &["User.Read.All", "Directory.Read.All"]), in_the_cloud, after [],
        licenses, yields ["license.skus", "license.plans"]),
    row!("graph.license-errors", Account, reads("User.Read.All", &["Directory.Read.All"]), in_the_cloud,
        after [], errors, yields ["license.assignment_errors"]),
];

/// Service plans of Exchange: id and kind. All but the kinds below carry a mailbox.
const PLANS: [(&str, &str); 18] = [
    ("9aaf7827-d63c-4b61-89c3-182f06f82e5c", "plan-1"),
    ("e9b4930a-925f-45e2-ac2a-3f7788ca6fdd", "plan-1"),
    ("fc52cc4b-ed7d-472d-bbe7-b081c23ecc56", "plan-1"),
    ("d42bdbd6-c335-4231-ab3d-c8f348d5aff5", "plan-1"),
    ("efb87545-963c-4e0d-99df-69c6916d9eb0", "plan-2"),
    ("8c3069c0-ccdb-44be-ab77-986203a67df2", "plan-2"),
    ("4a82b400-a79f-41a4-b4e2-e94f5787b113", "kiosk"),
    ("88f4d7ef-a73b-4246-8047-516022144c9f", "kiosk"),
    ("1126bef5-da20-4f07-b45e-ad25d2581aa8", "essentials"),
    ("90927877-dcff-4af6-b346-2332c0b15bb7", "pop"),
    ("113feb6c-3fe4-4440-bddc-54d774bf0318", "foundation"),
    ("922ba911-5694-4e99-a794-73aed9bfeec8", "foundation"),
    ("da040e0a-b393-4bea-bb76-928b3fa1cf5a", "archive"),
    ("176a09a6-7ec5-4039-ac02-b2791c6ba793", "archive"),
    ("34c0d7a0-a70f-4668-9238-47f9fc208882", "other"),
    ("208120d1-9adb-4daf-8c22-816bd5d237e7", "other"),
    ("897d51f1-2cfa-4848-9b30-469149f5e68e", "other"),
    ("5b96ffc4-3853-4cf4-af50-e38505080f6b", "other"),
];

/// Kinds of plans without a mailbox.
const WITHOUT_MAILBOX: [&str; 3] = ["foundation", "archive", "other"];

/// The kind of a service plan; `None`: it is not about Exchange.
pub fn plan_kind(id: &str, name: &str) -> Option<&'static str> {
    match PLANS.iter().find(|(known, _)| known.eq_ignore_ascii_case(id)) {
        Some((_, kind)) => Some(kind),
        None => name.to_ascii_uppercase().contains("EXCHANGE").then_some("other"),
    }
}

async fn licenses(context: &Context) -> Reading {
    let said = context.of_user("v1.0", "licenseDetails", &[], true).await?;
    let details = found(&said, "LicenseAssignment.Read.All")?.unwrap_or_default();
    let mut found = Yield::new();
    found.set("license.skus", rows(&details).map(|sku| text(sku, "skuPartNumber")).collect::<Value>());
    let lookup = context.user().await;
    let states = match &lookup.entry {
        Ok(Entry::User(user)) => &user["licenseAssignmentStates"],
        _ => &Value::Null,
    };
    found.set("license.plans", plans(&details, states));
    found.exchanges = said.exchanges;
    Ok(found)
}

/// The Exchange plans of all licenses, with the time of the last change of each assignment.
pub fn plans(details: &Value, states: &Value) -> Value {
    let changed = |sku: &Value| {
        let of_sku = rows(states).filter(|state| !sku["skuId"].is_null() && state["skuId"] == sku["skuId"]);
        of_sku.map(|state| time(state, "lastUpdatedDateTime")).next().unwrap_or_default()
    };
    let all = rows(details).flat_map(|sku| rows(&sku["servicePlans"]).map(move |plan| (sku, plan)));
    let exchange = all.filter_map(|(sku, plan)| {
        let id = plan["servicePlanId"].as_str().unwrap_or_default();
        let kind = plan_kind(id, plan["servicePlanName"].as_str().unwrap_or_default())?;
        Some(json!({
            "id": text(plan, "servicePlanId"),
            "name": text(plan, "servicePlanName"),
            "sku": text(sku, "skuPartNumber"),
            "status": text(plan, "provisioningStatus"),
            "gives_mailbox": !WITHOUT_MAILBOX.contains(&kind),
            "kind": kind,
            "changed_at": changed(sku),
        }))
    });
    exchange.collect()
}

async fn errors(context: &Context) -> Reading {
    let lookup = context.user().await;
    let user = match &lookup.entry {
        Ok(Entry::User(user)) => user,
        Ok(_) => &Value::Null,
        Err(absence) => return Err(Stop::from(absence.clone())),
    };
    let mut found = Yield::new();
    found.set("license.assignment_errors", assignment_errors(user));
    Ok(found)
}

fn assignment_errors(user: &Value) -> Value {
    let failed = |state: &&Value| {
        let status = state["state"].as_str().unwrap_or_default();
        status.eq_ignore_ascii_case("Error") || status.eq_ignore_ascii_case("ActiveWithError")
    };
    let errors = rows(&user["licenseAssignmentStates"]).filter(failed);
    errors.map(|state| json!({ "sku_id": text(state, "skuId"), "error": text(state, "error") })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_told_by_their_id() {
        for (id, kind, mailbox) in [
            ("9AAF7827-d63c-4b61-89c3-182f06f82e5c", "plan-1", true),
            ("e9b4930a-925f-45e2-ac2a-3f7788ca6fdd", "plan-1", true),
            ("efb87545-963c-4e0d-99df-69c6916d9eb0", "plan-2", true),
            ("8c3069c0-ccdb-44be-ab77-986203a67df2", "plan-2", true),
            ("4a82b400-a79f-41a4-b4e2-e94f5787b113", "kiosk", true),
            ("1126bef5-da20-4f07-b45e-ad25d2581aa8", "essentials", true),
            ("90927877-dcff-4af6-b346-2332c0b15bb7", "pop", true),
            ("113feb6c-3fe4-4440-bddc-54d774bf0318", "foundation", false),
            ("176a09a6-7ec5-4039-ac02-b2791c6ba793", "archive", false),
            ("34c0d7a0-a70f-4668-9238-47f9fc208882", "other", false),
        ] {
            let plans = plans(
                &json!([{ "skuPartNumber": "SKU", "servicePlans": [
                { "servicePlanId": id, "servicePlanName": "X", "provisioningStatus": "Success" } ] }]),
                &Value::Null,
            );
            assert_eq!(
                (&plans[0]["kind"], &plans[0]["gives_mailbox"]),
                (&json!(kind), &json!(mailbox)),
                "{id}"
            );
        }
    }

    #[test]
    fn an_unknown_plan_of_exchange_gives_no_mailbox_and_others_are_left_out() {
        assert_eq!(plan_kind("x", "SOMETHING_EXCHANGE_NEW"), Some("other"));
        assert_eq!(plan_kind("x", "TEAMS1"), None);
    }

    #[test]
    fn a_plan_says_when_its_license_was_assigned() {
        let details = json!([{ "skuId": "s-1", "skuPartNumber": "SKU", "servicePlans": [
            { "servicePlanId": "efb87545-963c-4e0d-99df-69c6916d9eb0", "servicePlanName": "X" } ] }]);
        let states = json!([{ "skuId": "s-1", "lastUpdatedDateTime": "2026-11-20T08:00:00Z" }]);
        assert_eq!(plans(&details, &states)[0]["changed_at"], "2026-11-20T08:00:00Z");
        assert_eq!(plans(&details, &Value::Null)[0]["changed_at"], Value::Null);
    }

    #[test]
    fn only_assignments_in_error_are_listed() {
        let user = json!({ "licenseAssignmentStates": [
            { "skuId": "s-1", "state": "Active", "error": "None" },
            { "skuId": "s-2", "state": "Error", "error": "CountViolation" } ] });
        assert_eq!(assignment_errors(&user), json!([{ "sku_id": "s-2", "error": "CountViolation" }]));
        assert_eq!(assignment_errors(&Value::Null), json!([]));
    }
}
