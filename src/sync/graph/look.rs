//! What is only read: opening, the start of a feed, the address list, free and busy times.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::hand::{Refusal, say};
use super::kind;
use super::post::{Halt, Post};
use crate::sync::{Access, Doing, Kind, Name, Result as Ended, Role, why};
use crate::wire::graph::{Call, Path, literal};

/// A day on which nobody has appointments: the feed of a calendar tells whole events, and nobody's are
/// to be read.
const NO_DAY: [(&str, &str); 2] =
    [("startDateTime", "1990-01-01T00:00:00Z"), ("endDateTime", "1990-01-02T00:00:00Z")];

impl Post<'_> {
    /// Opens the mailbox: may folders of this kind be listed?
    pub(super) async fn open(&self, kind: Kind) -> Result<(), Halt> {
        let subject = (self.target.role != Role::Outside).then_some(kind.subject());
        let mut doing = Doing::new(Name::Open, subject);
        let answer = self.work.ask(&mut doing, &kind::open(&self.root, kind)).await;
        let refusal = answer.and_then(|page| listed(&page)).err();
        let refusal = refusal.map(|refusal| self.permit(kind, false, refusal));
        let halt = refusal.as_ref().map(|refusal| Halt::after(Name::Open, refusal));
        self.end(doing, refusal);
        halt.map_or(Ok(()), Err)
    }

    /// Begins the change feed of the mailbox's own folder, reading no more than ids.
    pub(super) async fn feed_start(&self, kind: Kind) {
        let mut doing = Doing::new(Name::FeedStart, Some(kind.subject()));
        let call = match kind {
            Kind::Contacts => Call::get(&self.root.to("contacts").to("delta"), &[("$select", "id")]),
            Kind::Calendar => Call::get(&self.root.to("calendarView").to("delta"), &NO_DAY),
        };
        say(&mut doing, "only its first page was read, because nothing is written to this mailbox");
        let answer = self.work.ask(&mut doing, &call.page(1)).await;
        let refusal = answer.and_then(|page| listed(&page)).err();
        self.end(doing, refusal.map(|refusal| self.permit(kind, false, refusal)));
    }

    /// Does the directory show the account, and are its contacts readable?
    pub(super) async fn address_list(&self) {
        let mut doing = Doing::new(Name::AddressList, None);
        let address = literal(&self.target.address);
        let filter = format!("mail eq {address} or userPrincipalName eq {address}");
        let query = [("$select", "id,displayName,mail"), ("$filter", filter.as_str())];
        let users = self.work.ask(&mut doing, &Call::get(&Path::tenant("users"), &query)).await;
        let refusal = match users {
            Ok(page) if is_empty(&page) => {
                doing.differences.push(format!("the directory shows nobody with the address {address}"));
                None
            }
            Ok(page) => listed(&page).err(),
            Err(refusal) => Some(self.not_permitted("User.ReadBasic.All", refusal)),
        };
        if refusal.is_none() {
            let query = [("$top", "1"), ("$select", "id")];
            let contacts = self.work.ask(&mut doing, &Call::get(&Path::tenant("contacts"), &query)).await;
            if let Err(refusal) = contacts {
                let refusal = self.lacks("OrgContact.Read.All", refusal);
                say(&mut doing, &format!("the organization's contacts were not read: {}", refusal.text));
            }
        }
        self.end(doing, refusal);
    }

    /// Are free and busy times told?
    pub(super) async fn availability(&self) {
        let mut doing = Doing::new(Name::Availability, None);
        let at = |days: i64| {
            let began = self.plan.run.began();
            let then = began.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(began);
            json!({ "dateTime": midnight(then), "timeZone": "UTC" })
        };
        let body = json!({
            "schedules": [self.target.address], "startTime": at(0), "endTime": at(1),
            "availabilityViewInterval": 60
        });
        let path = self.root.to("calendar").to("getSchedule");
        let answer = self.work.ask(&mut doing, &Call::post(&path, body)).await;
        let refusal = answer.and_then(|page| told(&page)).err();
        self.end(doing, refusal.map(|refusal| self.not_permitted("Calendars.Read", refusal)));
    }

    /// A part that the product may well do without: without the permission it is skipped.
    fn not_permitted(&self, permission: &str, refusal: Refusal) -> Refusal {
        let refusal = self.lacks(permission, refusal);
        if !refusal.is_denied {
            return refusal;
        }
        Refusal { result: Ended::Skipped, code: Some(why::NO_RIGHT.into()), ..refusal }
    }

    /// The way in which the mailbox is named in paths.
    pub(super) fn is_own(access: Access, role: Role) -> bool {
        access == Access::GraphDelegated && role == Role::Account
    }
}

fn midnight(time: Timestamp) -> String {
    format!("{}T00:00:00", time.to_zoned(jiff::tz::TimeZone::UTC).date())
}

fn is_empty(page: &Value) -> bool {
    page.get("value").and_then(Value::as_array).is_some_and(Vec::is_empty)
}

fn listed(page: &Value) -> Result<(), Refusal> {
    match page.get("value") {
        Some(Value::Array(_)) => Ok(()),
        _ => Err(Refusal::new(Ended::Failed, "the answer holds no list")),
    }
}

/// The answer to `getSchedule` carries an error for each address of its own.
fn told(page: &Value) -> Result<(), Refusal> {
    listed(page)?;
    let Some(schedule) = page.get("value").and_then(|list| list.get(0)) else {
        return Err(Refusal::new(Ended::Failed, "the answer tells of no mailbox"));
    };
    let text = |error: &Value, name: &str| error.get(name).and_then(Value::as_str).map(str::to_owned);
    if let Some(error) = schedule.get("error").filter(|error| error.is_object()) {
        let words = text(error, "message").unwrap_or_else(|| "free and busy times were not told".into());
        return Err(Refusal { code: text(error, "responseCode"), ..Refusal::new(Ended::Refused, words) });
    }
    match schedule.get("availabilityView") {
        Some(Value::String(_)) => Ok(()),
        _ => Err(Refusal::new(Ended::Failed, "the answer holds no free and busy times")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_one_address_is_a_refusal() {
        let page = json!({ "value": [{ "scheduleId": "a@b.c", "error": {
            "responseCode": "ErrorMailRecipientNotFound", "message": "Unable to resolve e-mail address" } }] });
        let refusal = told(&page).expect_err("a refusal");
        assert_eq!(
            (refusal.result, refusal.code.as_deref()),
            (Ended::Refused, Some("ErrorMailRecipientNotFound"))
        );
        assert_eq!(told(&json!({ "value": [{ "availabilityView": "000" }] })), Ok(()));
        for page in [json!(null), json!({ "value": [] }), json!({ "value": [{}] }), json!({ "value": 3 })] {
            assert_eq!(told(&page).map_err(|refusal| refusal.result), Err(Ended::Failed), "{page}");
        }
    }
}
