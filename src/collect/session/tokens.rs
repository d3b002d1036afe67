//! Tokens of the reader and of the product: how they are asked for, and what is said where there is none.

use std::sync::Arc;

use super::{NotSent, Permit, Resource, Session, SignInResult, fingerprint, password_fingerprint};
use crate::collect::{Context, Reader, SignIn, SubjectKind, Target, tenant};
use crate::facts::{Absence, Exchange, Reason};
use crate::wire::sign_in::{self, Attempt, Outcome, Proof, Token, TokenRequest};
use crate::wire::{Failure, Net};

impl Session {
    /// Drops the token of one identity for one scope: whoever needs it signs in anew.
    fn forget_token(&self, request: &TokenRequest) {
        self.attempts.remove(&attempt_key(request));
    }

    /// Signs in, unless it was done before for the same identity and scope.
    async fn sign_in(self: &Arc<Self>, net: &Net, request: TokenRequest) -> Option<Arc<SignInResult>> {
        let (print, key) = (proof_fingerprint(&request), attempt_key(&request));
        let (session, net) = (Arc::clone(self), net.clone());
        self.attempts
            .get(key, || async move {
                let mut permit = session.credential(&print).await;
                if permit.is_refused() {
                    return Err(NotSent::RefusedBefore);
                }
                let attempt = sign_in::token(&net, &request).await;
                settle(&mut permit, &request.proof, &attempt.outcome);
                Ok(attempt)
            })
            .await
    }
}

fn attempt_key(request: &TokenRequest) -> String {
    let (authority, print) = (request.authority.as_str(), proof_fingerprint(request));
    fingerprint(&[authority, &request.tenant, &request.client_id, &request.scope, &print])
}

/// Writes down what an answer means for sending the credential again.
fn settle(permit: &mut Permit, proof: &Proof, outcome: &Outcome) {
    match outcome {
        Outcome::Token(_) => permit.prove(),
        Outcome::Refused(refusal) if refusal.condemns(proof) => permit.condemn(),
        Outcome::Refused(refusal)
            if refusal.error.as_deref().is_none_or(|error| error == "invalid_client") =>
        {
            permit.refuse();
        }
        // A request without an answer may have counted as a bad attempt.
        Outcome::Refused(_)
        | Outcome::NoAnswer(Failure::TimedOut { .. } | Failure::Garbled { .. } | Failure::Closed { .. })
            if matches!(proof, Proof::Password { .. }) =>
        {
            permit.refuse();
        }
        _ => {}
    }
}

fn proof_fingerprint(request: &TokenRequest) -> String {
    match &request.proof {
        Proof::Assertion(assertion) => fingerprint(&["assertion", &request.client_id, assertion.expose()]),
        Proof::AuthorizationCode { code, .. } => fingerprint(&["code", code.expose()]),
        Proof::Certificate(key) => {
            fingerprint(&["certificate", &request.client_id, &key.certificate().thumbprint_sha256])
        }
        Proof::ClientSecret(secret) => fingerprint(&["secret", &request.client_id, secret.expose()]),
        Proof::Command(argv) => {
            let words: Vec<_> = ["command"].into_iter().chain(argv.iter().map(String::as_str)).collect();
            fingerprint(&words)
        }
        Proof::DeviceCode(code) => fingerprint(&["device-code", code.expose()]),
        Proof::ManagedIdentity(_) => fingerprint(&["managed-identity", &request.client_id]),
        Proof::Password { username, password } => password_fingerprint(username, password),
        Proof::RefreshToken(token) => fingerprint(&["refresh-token", token.expose()]),
    }
}

/// The reader's token request; `None`: nobody has signed in yet.
fn reader_request(target: &Target, reader: &Reader, resource: Resource) -> Option<TokenRequest> {
    let proof = match reader.sign_in.clone() {
        SignIn::Certificate(key) => Proof::Certificate(key),
        SignIn::ClientSecret(secret) => Proof::ClientSecret(secret),
        SignIn::Command { argv, .. } => Proof::Command(argv),
        SignIn::Federated(assertion) => Proof::Assertion(assertion),
        SignIn::ManagedIdentity(identity) => Proof::ManagedIdentity(identity),
        SignIn::Password { username, password } => Proof::Password { username, password },
        SignIn::Session { token, .. } => Proof::RefreshToken(token?),
    };
    let scope = format!("{}/.default", resource.url(target.cloud));
    Some(request(target, reader.client_id.as_deref().unwrap_or_default(), scope, proof))
}

/// The product's token request, or why there is none.
fn subject_request(target: &Target, resource: Resource) -> Result<TokenRequest, NotSent> {
    let subject = &target.subject;
    if !subject.is_held() || target.vendor_credential {
        return Err(NotSent::SecretNotHeld);
    }
    if !target.sign_in_allowed {
        return Err(NotSent::NotAllowed);
    }
    let client_id = subject.client_id.as_deref().ok_or(NotSent::Unsupported)?;
    let base = resource.url(target.cloud);
    let secret = || subject.secret.clone().ok_or(NotSent::SecretNotHeld);
    let (proof, scope) = match subject.kind {
        SubjectKind::ClientCertificate => {
            let key = subject.certificate.clone().ok_or(NotSent::SecretNotHeld)?;
            (Proof::Certificate(key), format!("{base}/.default"))
        }
        SubjectKind::ClientSecret => (Proof::ClientSecret(secret()?), format!("{base}/.default")),
        SubjectKind::Password => {
            let username = subject.username.clone().unwrap_or_else(|| target.account.clone());
            (Proof::Password { username, password: secret()? }, delegated_scope(target, resource))
        }
        SubjectKind::RefreshToken => (Proof::RefreshToken(secret()?), delegated_scope(target, resource)),
        SubjectKind::None => return Err(NotSent::SecretNotHeld),
    };
    Ok(request(target, client_id, scope, proof))
}

/// The scopes that the product really asks for: a lighter probe may meet other policies.
fn delegated_scope(target: &Target, resource: Resource) -> String {
    let base = resource.url(target.cloud);
    let wanted = target.delegated_permissions.iter().filter(|(of, _)| of == resource.as_str());
    let scopes: Vec<_> = wanted.map(|(_, permission)| format!("{base}/{permission}")).collect();
    match (scopes.is_empty(), resource) {
        (false, _) => scopes.join(" "),
        (true, Resource::Exchange) => format!("{base}/EWS.AccessAsUser.All"),
        (true, Resource::Graph) => format!("{base}/.default"),
    }
}

fn request(target: &Target, client_id: &str, scope: String, proof: Proof) -> TokenRequest {
    let tenant = target.tenant_id.clone().unwrap_or_else(|| target.domain.clone());
    let authority = target.endpoints.sign_in.clone();
    TokenRequest { authority, tenant, client_id: client_id.to_owned(), scope, proof }
}

impl Context {
    /// The request at the address that an assertion must name: the tenant's id in place of a domain.
    async fn addressed(&self, mut request: TokenRequest) -> TokenRequest {
        if matches!(request.proof, Proof::Certificate(_))
            && self.target.tenant_id.is_none()
            && let Some(id) = tenant::id(self).await
        {
            request.tenant = id;
        }
        request
    }

    /// The reader's sign-in for a resource; `None`: no reader is configured.
    pub async fn reader_attempt(&self, resource: Resource) -> Option<Arc<SignInResult>> {
        let reader = self.target.reader.as_ref()?;
        match reader_request(&self.target, reader, resource) {
            Some(request) => self.session.sign_in(&self.net, self.addressed(request).await).await,
            None => Some(Arc::new(Err(NotSent::SecretNotHeld))),
        }
    }

    /// The product's sign-in for a resource; `None`: asking broke.
    pub async fn subject_attempt(&self, resource: Resource) -> Option<Arc<SignInResult>> {
        match subject_request(&self.target, resource) {
            Ok(request) => self.session.sign_in(&self.net, self.addressed(request).await).await,
            Err(why) => Some(Arc::new(Err(why))),
        }
    }

    /// A token of the reader, or why there is none.
    ///
    /// # Errors
    ///
    /// When there is no reader, or it got no token.
    pub async fn reader_token(&self, resource: Resource) -> Result<Token, Absence> {
        if self.target.reader.is_none() {
            return Err(Absence::new(Reason::NotAsked).with_text("no reader is configured"));
        }
        token_of(self.reader_attempt(resource).await, "the reader")
    }

    /// A token of the product, or why there is none.
    ///
    /// # Errors
    ///
    /// When the product's credential is not held, must not be sent, or was refused.
    pub async fn subject_token(&self, resource: Resource) -> Result<Token, Absence> {
        token_of(self.subject_attempt(resource).await, "the product")
    }

    /// Another token of the product, in place of one that a service no longer takes.
    ///
    /// # Errors
    ///
    /// As for the first one; a credential that was refused meanwhile is not sent again.
    pub async fn renewed_subject_token(&self, resource: Resource) -> Result<Token, Absence> {
        if let Ok(request) = subject_request(&self.target, resource) {
            self.session.forget_token(&self.addressed(request).await);
        }
        self.subject_token(resource).await
    }
}

fn token_of(attempt: Option<Arc<SignInResult>>, whose: &str) -> Result<Token, Absence> {
    let Some(attempt) = attempt else {
        return Err(Absence::new(Reason::Unreadable).with_text(format!("the sign-in of {whose} broke")));
    };
    match attempt.as_ref() {
        Err(why) => {
            let text = match why {
                NotSent::NotAllowed => "a live sign-in was not allowed in this run",
                NotSent::RefusedBefore => "its credential was refused before and is not sent again",
                NotSent::SecretNotHeld => "its credential is not in the configuration",
                NotSent::Unsupported => "this version does not speak its way of signing in",
            };
            let reason =
                if *why == NotSent::Unsupported { Reason::UnsupportedHere } else { Reason::NotAsked };
            Err(Absence::new(reason).with_text(format!("no token of {whose}: {text}")))
        }
        Ok(Attempt { outcome: Outcome::Token(token), .. }) => Ok(token.clone()),
        Ok(Attempt { outcome, exchange, .. }) => Err(no_token(outcome, exchange, whose)),
    }
}

fn no_token(outcome: &Outcome, exchange: &Exchange, whose: &str) -> Absence {
    let (reason, text) = match outcome {
        Outcome::Token(_) => (Reason::Unreadable, "a token".to_owned()),
        Outcome::Refused(refusal) => {
            let text = refusal.text.clone().or(refusal.error.clone()).unwrap_or_default();
            (Reason::NotAsked, format!("the sign-in was refused: {text}"))
        }
        Outcome::Busy { status: 429 } => (Reason::Throttled, "the sign-in service is throttling".to_owned()),
        Outcome::Busy { status } => {
            (Reason::Unreachable, format!("the sign-in service answers HTTP {status}"))
        }
        Outcome::NoAnswer(failure @ Failure::TimedOut { .. }) => (Reason::TimedOut, failure.to_string()),
        Outcome::NoAnswer(failure) => (Reason::Unreachable, failure.to_string()),
        Outcome::Unreadable { text, .. } => (Reason::Unreadable, format!("{text} ({})", exchange.url)),
    };
    Absence::new(reason).with_text(format!("no token of {whose}: {text}"))
}
