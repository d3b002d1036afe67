//! Facts that are known before anybody asks: what was configured, and the world that follows from it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Cloud, Protocol, Subject, SubjectKind, Target, World, world::Observed};
use crate::{facts::Section, wire::certificate::AppKey};

impl Cloud {
    /// As in `world.cloud`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::China => "china",
            Self::Dod => "dod",
            Self::GccHigh => "gcc-high",
            Self::Worldwide => "worldwide",
        }
    }
}

impl SubjectKind {
    /// As in `subject.kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecret => "client-secret",
            Self::ClientCertificate => "client-certificate",
            Self::None => "none",
            Self::Password => "password",
            Self::RefreshToken => "refresh-token",
        }
    }
}

/// The needed facts, and those that the given ones rest on.
pub(super) fn with_implied(needed: &BTreeSet<String>, world_unknown: bool) -> BTreeSet<String> {
    let mut needed = needed.clone();
    if world_unknown {
        needed.extend(["tenant.found", "discovery.ews_url", "mailbox.route_url"].map(String::from));
    }
    if needed.contains("world.phase") || needed.contains("world") {
        needed.extend(
            ["world.phase", "app.present", "consent.application", "consent.delegated"].map(String::from),
        );
    }
    needed
}

/// Writes `endpoints`.
pub(super) fn tenant(section: &mut Section, target: &Target) {
    let host = |url: &url::Url| url.host_str().map(str::to_owned);
    let endpoints = &target.endpoints;
    section.set(
        "endpoints",
        json!({
            "cloud": target.cloud.as_str(),
            "sign_in": host(&endpoints.sign_in),
            "graph": host(&endpoints.graph),
            "exchange": host(&endpoints.exchange_admin),
            "custom": endpoints.custom,
        }),
    );
}

/// Writes `world`, `subject`, `request` and the account's own address.
pub(super) fn account(section: &mut Section, target: &Target, observed: &Observed, app: &Section) {
    section.set("account.address", json!(target.account));
    section.set("account.domain", json!(target.mail_domain()));
    let asked = target.active_directory.as_ref().and_then(|asked| asked.url.host_str());
    section.set("active_directory.host", json!(asked));
    let subject = &target.subject;
    section.set(
        "subject",
        json!({
            "kind": subject.kind.as_str(),
            "client_id": subject.client_id,
            "username": subject.username,
            "secret_held": subject.is_held(),
            "certificate": certificate(subject),
            "scheme": subject.scheme,
            "scheme_given": subject.scheme_given,
            "user_agent": subject.user_agent,
        }),
    );
    section.set(
        "request",
        json!({
            "features": target.features,
            "scope": target.scope,
            "targets": target.also,
            "public_folders": target.public_folders,
            "wanted_users": match &target.wanted_users {
                Some(super::WantedUsers::Listed(users)) => users.as_slice(),
                _ => &[],
            },
            "wanted_group": match &target.wanted_users {
                Some(super::WantedUsers::Group(group)) => Some(group),
                _ => None,
            },
            "sign_in_allowed": target.sign_in_allowed,
            "vendor_credential": target.vendor_credential,
            "consenting_admin": target.consenting_admin,
        }),
    );
    let answers = target.attested.iter().map(|given| {
        let (question, answer, name) = (&given.question, &given.answer, &given.name);
        json!({ "question": question, "answer": answer, "name": name, "at": format!("{}T00:00:00Z", given.date) })
    });
    section.set("attest.answers", answers.collect());
    match (target.world, observed) {
        (Some(world), _) => {
            let value = world_facts(target, world, observed, section);
            section.set("world", value);
            phase(section, target, app);
        }
        (None, Observed::Nothing(absence)) => section.set_absent("world", absence.clone()),
        (None, _) => {}
    }
}

/// What the certificate in the configuration says; each fact is null where there is none.
fn certificate(subject: &Subject) -> Value {
    let certificate = subject.certificate.as_ref().map(AppKey::certificate);
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    json!({
        "subject": certificate.map(|own| own.subject.as_str()),
        "thumbprint": certificate.map(|own| own.thumbprint.as_str()),
        "thumbprint_sha256": certificate.map(|own| own.thumbprint_sha256.as_str()),
        "not_before": certificate.and_then(|own| time(own.not_before)),
        "not_after": certificate.and_then(|own| time(own.not_after)),
        "key_bits": certificate.map(|own| own.key_bits),
    })
}

fn world_facts(target: &Target, world: World, observed: &Observed, section: &Section) -> Value {
    let hma = world == World::ExchangeServer && target.subject.scheme == "oauth";
    let located = section.get("mailbox.location").and_then(Value::as_str);
    let location = match (target.hybrid, world.is_cloud()) {
        (true, _) => located.unwrap_or("unknown"),
        (false, true) => "cloud",
        (false, false) => "on-premises",
    };
    json!({
        "kind": world.as_str(),
        "mailbox_location": location,
        "identity": if world.is_cloud() || hma { "entra" } else { "active-directory" },
        "protocol": match target.protocol { Protocol::Ews => "ews", Protocol::Graph => "graph" },
        "sign_in": sign_in(target, world),
        "cloud": target.cloud.as_str(),
        "hybrid": target.hybrid,
        "source": if *observed == Observed::Configured { "configured" } else { "observed" },
    })
}

fn sign_in(target: &Target, world: World) -> &'static str {
    match target.subject.kind {
        SubjectKind::ClientSecret | SubjectKind::ClientCertificate => "app",
        SubjectKind::RefreshToken => "refresh-token",
        SubjectKind::None if world.is_app() => "app",
        SubjectKind::Password | SubjectKind::None => "password",
    }
}

/// The product is being set up until its app and a consent to it are found.
fn phase(section: &mut Section, target: &Target, app: &Section) {
    if let Some(phase) = &target.phase {
        section.set("world.phase", json!(phase));
        return;
    }
    if target.world.is_none_or(|world| !world.is_cloud()) || target.subject.client_id.is_none() {
        section.set("world.phase", json!("operation"));
        return;
    }
    let granted = |path: &str| app.get(path).and_then(Value::as_array).map(|list| !list.is_empty());
    let present = app.get("app.present").and_then(Value::as_bool);
    let consented = match (granted("consent.application"), granted("consent.delegated")) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    };
    match (present, consented) {
        (Some(false), _) | (_, Some(false)) => section.set("world.phase", json!("setup")),
        (Some(true), Some(true)) => section.set("world.phase", json!("operation")),
        _ => {
            let unread = ["app.present", "consent.application", "consent.delegated"];
            if let Some(absence) = unread.into_iter().find_map(|path| app.absence(path)) {
                section.set_absent("world.phase", absence.clone());
            }
        }
    }
}
