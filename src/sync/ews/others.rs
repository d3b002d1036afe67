//! What needs no own folder: the address list, free and busy times, and public folders beside them.

use super::visit::Visit;
use crate::sync::{Doing, Name, Part, Phase, Result, Role};
use crate::wire::ews::Operation;

impl Visit<'_> {
    /// All of them at the same time.
    pub async fn others(&self) {
        let has = |part| self.run.plan.parts.contains(&part);
        let account = self.mailbox.role == Role::Account;
        tokio::join!(
            async {
                if has(Part::AddressList) {
                    self.address_list().await;
                }
            },
            async {
                if has(Part::Availability) {
                    self.availability().await;
                }
            },
            async {
                if has(Part::PublicFolders) && account {
                    self.public_folders().await;
                }
            },
        );
    }

    /// The address list must know the own address; a second operation is asked where the first does not.
    async fn address_list(&self) {
        let address = &self.mailbox.address;
        let mut doing = Doing::new(Name::AddressList, None);
        let resolve = Operation::ResolveNames { address: address.clone() };
        let Some(asked) = self.ask(Phase::Work, &mut doing, &resolve).await else {
            return self.end_with(doing, &resolve, None);
        };
        let named =
            |addresses: Vec<String>| addresses.iter().any(|known| known.eq_ignore_ascii_case(address));
        if asked.is_ok() && named(asked.called.addresses()) {
            doing.text = None;
            return self.end(doing, Result::Ok);
        }
        let nothing = asked.is_ok() || asked.has_code(&["ErrorNameResolutionNoResults"]);
        let first = self.judge(&resolve, &asked);
        if !nothing && first != Result::Unavailable {
            return self.end_with(doing, &resolve, Some(&asked));
        }
        let people = Operation::FindPeople { text: address.clone() };
        let Some(second) = self.ask(Phase::Work, &mut doing, &people).await else {
            return self.end_with(doing, &people, None);
        };
        if second.is_ok() && named(second.called.addresses()) {
            doing.text = Some("found by FindPeople, not by ResolveNames".into());
            return self.end(doing, Result::Ok);
        }
        if nothing {
            doing.differs(format!("the address list does not know {address}"));
            doing.text = None;
            return self.end(doing, Result::Ok);
        }
        self.end_with(doing, &people, Some(&second));
    }

    async fn availability(&self) {
        let day = self.run.plan.run.began().to_zoned(jiff::tz::TimeZone::UTC).date();
        let from = day.at(0, 0, 0, 0);
        let to = from.checked_add(jiff::Span::new().days(1)).unwrap_or(from);
        let operation = Operation::GetUserAvailability { address: self.mailbox.address.clone(), from, to };
        let doing = Doing::new(Name::Availability, None);
        let Some((mut doing, asked)) = self.need(doing, &operation).await else { return };
        if !asked.called.has_availability() {
            doing.differs("the answer tells no free and busy times");
        }
        self.end(doing, Result::Ok);
    }
}
