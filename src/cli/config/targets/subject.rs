//! What the product signs in with, as the configuration gives it.

use toml::Spanned;

use super::{Chosen, Planner, Profile};
use crate::{
    cli::{
        config::{
            file::{self, Kind, Scheme},
            sign_in,
        },
        problem::Problem,
    },
    collect::{Subject, SubjectKind, World},
};

impl Planner<'_> {
    pub(super) fn subject(
        &mut self,
        chosen: &Chosen<'_>,
        raw: Option<&Spanned<file::Subject>>,
        profile: &Profile,
        world: Option<World>,
    ) -> Result<Subject, Problem> {
        let on_premises = world == Some(World::ExchangeServer);
        let usual = if on_premises { "basic" } else { "oauth" };
        let Some(spanned) = raw else {
            return Ok(Subject {
                kind: SubjectKind::None,
                client_id: profile.app_id.clone(),
                username: None,
                secret: None,
                certificate: None,
                scheme: usual.into(),
                scheme_given: false,
                user_agent: profile.user_agent.clone(),
            });
        };
        let (span, raw) = (spanned.span(), spanned.get_ref());
        let Some(kind) = raw.kind.as_ref().map(|kind| *kind.get_ref()) else {
            let problem = self.source.problem(span, "the subject has no `kind`", "one is needed");
            return Err(
                problem.help("valid values: client-certificate, client-secret, password, refresh-token")
            );
        };
        let client_id = raw.client_id.clone().or_else(|| profile.app_id.clone());
        self.check_subject(spanned, kind, client_id.is_some(), on_premises)?;
        let asked = raw.secret.as_ref().filter(|wanted| !(self.wishes.no_sign_in && wanted.get_ref().prompt));
        let secret = asked.map(|wanted| self.vault.open(self.source, wanted, &chosen.address)).transpose()?;
        let certificate = raw.certificate.as_ref();
        let certificate = certificate.map(|given| sign_in::certificate(self.source, given)).transpose()?;
        let username = (kind == Kind::Password || kind == Kind::RefreshToken)
            .then(|| raw.username.clone().unwrap_or_else(|| chosen.address.clone()));
        let scheme = raw.scheme.as_ref().map_or(usual, |scheme| scheme_name(*scheme.get_ref()));
        Ok(Subject {
            kind: subject_kind(kind),
            client_id,
            username,
            secret,
            certificate,
            scheme: scheme.into(),
            scheme_given: raw.scheme.is_some(),
            user_agent: raw.user_agent.clone().or_else(|| profile.user_agent.clone()),
        })
    }

    fn check_subject(
        &self,
        spanned: &Spanned<file::Subject>,
        kind: Kind,
        has_client: bool,
        on_premises: bool,
    ) -> Result<(), Problem> {
        let raw = spanned.get_ref();
        let refuse =
            |message: &str| Err(self.source.problem(spanned.span(), message, "impossible combination"));
        let is_app = matches!(kind, Kind::ClientSecret | Kind::ClientCertificate);
        let is_held = raw.secret.is_some() || raw.certificate.is_some();
        if raw.held_by.is_some() && is_held {
            return refuse("a credential that the vendor holds cannot be in the configuration as well");
        }
        if raw.held_by.is_some() && !is_app {
            return refuse("only the credential of an app can be held by the vendor");
        }
        if is_app && raw.username.is_some() {
            return refuse("an app signs in with its `client_id`, not with a `username`");
        }
        if kind == Kind::ClientCertificate && raw.secret.is_some() {
            return refuse(
                "a certificate is named by `certificate = { file = \"app.pem\" }`, not by `secret`",
            );
        }
        if kind != Kind::ClientCertificate && raw.certificate.is_some() {
            return refuse("a `certificate` goes with the kind `client-certificate` alone");
        }
        if !on_premises && is_held && !has_client {
            return refuse("to sign in, the subject needs the `client_id` of the product's app");
        }
        Ok(())
    }
}

fn subject_kind(kind: Kind) -> SubjectKind {
    match kind {
        Kind::ClientCertificate => SubjectKind::ClientCertificate,
        Kind::ClientSecret => SubjectKind::ClientSecret,
        Kind::Password => SubjectKind::Password,
        Kind::RefreshToken => SubjectKind::RefreshToken,
    }
}

fn scheme_name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Basic => "basic",
        Scheme::Negotiate => "negotiate",
        Scheme::Ntlm => "ntlm",
        Scheme::Oauth => "oauth",
    }
}
