//! Identities of a run: one token request for each identity and resource, shared by everybody.
//!
//! Lock-out is real. Whoever wants to send a credential asks here; a credential that was refused is
//! not sent again in the run by anybody, and what is worth remembering longer is listed for the
//! caller. Requests run in tasks of their own, so that a call that is given up neither loses an answer
//! nor lets the next call ask again. Knows nothing of what the tokens are used for.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use ring::digest::{Context as Digest, SHA256};
use tokio::{sync::mpsc::UnboundedSender, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::memo::is_about;
use super::{Cloud, Context, Extra, Progress, Reader, SignIn, SubjectKind, Target};
use crate::facts::{Absence, Exchange, Reason};
use crate::wire::answer::Answer;
use crate::wire::sign_in::{self, Attempt, Outcome, Proof, Token, TokenRequest};
use crate::wire::{Failure, Net, Secret};

/// Statuses of a service that pushes back, or that is down for now.
pub const BUSY: [u16; 4] = [429, 502, 503, 504];

/// A service that tokens are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Exchange Online: EWS and the admin interface.
    Exchange,
    /// Microsoft Graph.
    Graph,
}

impl Resource {
    /// The resource's URL in scopes, without a slash at the end.
    pub fn url(self, cloud: Cloud) -> &'static str {
        match (self, cloud) {
            (Self::Graph, Cloud::Worldwide) => "https://graph.microsoft.com",
            (Self::Graph, Cloud::GccHigh) => "https://graph.microsoft.us",
            (Self::Graph, Cloud::Dod) => "https://dod-graph.microsoft.us",
            (Self::Graph, Cloud::China) => "https://microsoftgraph.chinacloudapi.cn",
            (Self::Exchange, Cloud::Worldwide) => "https://outlook.office365.com",
            (Self::Exchange, Cloud::GccHigh) => "https://outlook.office365.us",
            (Self::Exchange, Cloud::Dod) => "https://outlook-dod.office365.us",
            (Self::Exchange, Cloud::China) => "https://partner.outlook.cn",
        }
    }

    /// As in permissions of a profile: `graph` or `exchange`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::Graph => "graph",
        }
    }
}

/// Says whether an earlier run saw the credential of a fingerprint refused.
pub type RefusedBefore = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Which credentials earlier runs saw refused, and which this run did.
#[derive(Clone, Default)]
pub struct Memory {
    /// Whether an earlier run saw the credential of this fingerprint refused; `None`: nobody remembers.
    pub refused_before: Option<RefusedBefore>,
    refused: Arc<Mutex<BTreeSet<String>>>,
}

impl Memory {
    /// Fingerprints of the credentials that this run saw refused and that no later run should send.
    pub fn refused(&self) -> Vec<String> {
        lock(&self.refused).iter().cloned().collect()
    }

    fn remembers(&self, fingerprint: &str) -> bool {
        self.refused_before.as_ref().is_some_and(|refused| refused(fingerprint))
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("refused", &lock(&self.refused).len()).finish_non_exhaustive()
    }
}

/// What goes on by itself until it has cleaned up behind it, whatever becomes of who started it.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    ended: Arc<Mutex<Vec<Ended>>>,
}

/// What became of such a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The account for which it was started.
    pub account: String,
    /// How many things of its own are still there.
    pub left: usize,
}

impl Tasks {
    /// Starts a task; it ends on its own account, soon after being told to stop.
    pub fn start<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.tracker.spawn(work)
    }

    /// Tells when to stop.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Whether none is running.
    pub fn is_idle(&self) -> bool {
        self.tracker.is_empty()
    }

    /// Waits until all have ended; none is started afterwards.
    pub async fn finished(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Writes down how one ended.
    pub fn note(&self, ended: Ended) {
        lock(&self.ended).push(ended);
    }

    /// How those ended that did.
    pub fn ended(&self) -> Vec<Ended> {
        lock(&self.ended).clone()
    }
}

/// A digest that tells credentials apart and from which none can be read.
pub fn fingerprint(parts: &[&str]) -> String {
    let mut digest = Digest::new(&SHA256);
    for part in parts {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest.finish().as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// The fingerprint of a password, the same whatever server it is sent to.
pub fn password_fingerprint(username: &str, password: &Secret) -> String {
    fingerprint(&["password", &username.to_lowercase(), password.expose()])
}

/// Why a credential was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSent {
    /// A live sign-in was not allowed.
    NotAllowed,
    /// It was refused before, in this run or in one remembered.
    RefusedBefore,
    /// There is none.
    SecretNotHeld,
    /// This tool does not speak the flow, or a needed detail is missing.
    Unsupported,
}

impl NotSent {
    /// As in `sign_in.not_attempted_because`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAllowed => "not-allowed",
            Self::RefusedBefore => "refused-before",
            Self::SecretNotHeld => "secret-not-held",
            Self::Unsupported => "unsupported",
        }
    }
}

/// A sign-in of this run, sent or not.
pub type SignInResult = Result<Attempt, NotSent>;

/// A question under way, or its answer; `None`: asking broke.
type Asked<T> = Shared<BoxFuture<'static, Option<Arc<T>>>>;

/// Answers that are asked for once, whoever asks first.
pub struct Once<T> {
    running: Mutex<HashMap<String, Asked<T>>>,
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self { running: Mutex::default() }
    }
}

impl<T: Send + Sync + 'static> Once<T> {
    /// The answer under a key; `ask` runs only for the first. `None`: asking broke.
    pub async fn get<F>(&self, key: String, ask: impl FnOnce() -> F + Send) -> Option<Arc<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let running = lock(&self.running)
            .entry(key)
            .or_insert_with(|| {
                let task = tokio::spawn(ask());
                async move { task.await.ok().map(Arc::new) }.boxed().shared()
            })
            .clone();
        running.await
    }

    /// Drops all answers: the next who asks asks anew.
    fn clear(&self) {
        lock(&self.running).clear();
    }

    /// Drops the answer under a key.
    fn remove(&self, key: &str) {
        lock(&self.running).remove(key);
    }

    /// Drops the answers that are not worth keeping.
    fn keep(&self, is_worth: impl Fn(&T) -> bool) {
        lock(&self.running).retain(|_, asked| match asked.peek() {
            Some(Some(answer)) => is_worth(answer),
            Some(None) | None => true,
        });
    }

    /// Drops the answers about an account.
    fn forget(&self, account: &str) {
        lock(&self.running).retain(|key, _| !is_about(key, account));
    }
}

/// What the run knows of a credential.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Standing {
    #[default]
    Untried,
    Proven,
    Refused,
}

#[derive(Debug, Default)]
struct Credential {
    gate: Arc<tokio::sync::Mutex<()>>,
    standing: Mutex<Standing>,
}

/// The right to send one credential: until it is proven, nobody else sends it while this is held.
#[derive(Debug)]
pub struct Permit {
    _gate: Option<tokio::sync::OwnedMutexGuard<()>>,
    credential: Arc<Credential>,
    fingerprint: String,
    memory: Memory,
}

impl Permit {
    /// It was refused before, in this run or in one remembered: it must not be sent.
    pub fn is_refused(&self) -> bool {
        *lock(&self.credential.standing) == Standing::Refused || self.memory.remembers(&self.fingerprint)
    }

    /// It was accepted in this run.
    pub fn is_proven(&self) -> bool {
        *lock(&self.credential.standing) == Standing::Proven
    }

    /// It was accepted: sending it again risks nothing.
    pub fn prove(&mut self) {
        let mut standing = lock(&self.credential.standing);
        if *standing == Standing::Untried {
            *standing = Standing::Proven;
        }
    }

    /// It was refused and is not sent again in this run.
    pub fn refuse(&mut self) {
        *lock(&self.credential.standing) = Standing::Refused;
    }

    /// It was refused, and later runs should not send it either.
    pub fn condemn(&mut self) {
        self.refuse();
        lock(&self.memory.refused).insert(self.fingerprint.clone());
    }
}

/// Everything of a run that its calls share.
pub struct Session {
    /// Fact paths that the selected checks read.
    pub needed: BTreeSet<String>,
    /// Accounts examined in this run.
    pub accounts: usize,
    /// When the run ends; nothing waits beyond it.
    pub deadline: Instant,
    /// Calls that the user's files bring.
    pub extra: Arc<Extra>,
    /// What goes on until it has cleaned up behind it.
    pub tasks: Tasks,
    /// Who hears of the run, if anybody does.
    pub news: Option<UnboundedSender<Progress>>,
    memory: Memory,
    credentials: Arc<Mutex<HashMap<String, Arc<Credential>>>>,
    attempts: Arc<Once<SignInResult>>,
    pub(super) answers: Arc<Once<crate::wire::answer::Said>>,
    pub(super) users: Arc<Once<super::directory::Lookup>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("accounts", &self.accounts).finish_non_exhaustive()
    }
}

impl Session {
    /// A run over so many accounts that ends at `deadline`.
    pub fn new(memory: Memory, needed: BTreeSet<String>, accounts: usize, deadline: Instant) -> Self {
        Self {
            needed,
            accounts,
            deadline,
            extra: Arc::default(),
            tasks: Tasks::default(),
            news: None,
            memory,
            credentials: Arc::default(),
            attempts: Arc::default(),
            answers: Arc::default(),
            users: Arc::default(),
        }
    }

    /// The same, going on with what another one asked and tried.
    #[must_use]
    pub fn after(self, before: &Self) -> Self {
        Self {
            memory: before.memory.clone(),
            credentials: before.credentials.clone(),
            attempts: before.attempts.clone(),
            answers: before.answers.clone(),
            users: before.users.clone(),
            ..self
        }
    }

    /// The same with calls that the user's files bring.
    #[must_use]
    pub fn with_extra(self, extra: Arc<Extra>) -> Self {
        Self { extra, ..self }
    }

    /// The same with tasks that somebody waits for, and with somebody who hears of the run.
    #[must_use]
    pub fn with_tasks(self, tasks: Tasks, news: Option<UnboundedSender<Progress>>) -> Self {
        Self { tasks, news, ..self }
    }

    /// Drops what was read of an account that is finished; what was tried with a credential stays known.
    pub fn forget(&self, account: &str) {
        self.answers.forget(account);
        self.users.forget(account);
    }

    /// Drops what got no answer that may come later: time-outs, connections that broke, services that push
    /// back or are down. An attempt with a password is never dropped: without an answer it may have counted.
    pub fn forget_passing(&self) {
        self.answers.keep(|said| !is_passing(&said.answer));
        self.users.keep(|found| found.entry.as_ref().err().is_none_or(|absence| !absence.reason.may_pass()));
        self.attempts.keep(|attempt| match attempt {
            Ok(Attempt { flow, outcome, .. }) if *flow != "password" => !matches!(
                outcome,
                Outcome::Busy { .. } | Outcome::NoAnswer(Failure::TimedOut { .. } | Failure::Closed { .. })
            ),
            _ => true,
        });
    }

    /// Drops the tokens: whoever needs one signs in anew. What was refused stays refused.
    pub fn forget_tokens(&self) {
        self.attempts.clear();
    }

    /// Waits until nobody else is sending this credential, or it is proven.
    pub async fn credential(&self, fingerprint: &str) -> Permit {
        let credential = Arc::clone(lock(&self.credentials).entry(fingerprint.to_owned()).or_default());
        let gate = Arc::clone(&credential.gate).lock_owned().await;
        let proven = *lock(&credential.standing) == Standing::Proven;
        Permit {
            _gate: (!proven).then_some(gate),
            credential,
            fingerprint: fingerprint.to_owned(),
            memory: self.memory.clone(),
        }
    }

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

/// Whether asking again may bring another answer.
fn is_passing(answer: &Answer) -> bool {
    match answer {
        Answer::Throttled(_) => true,
        Answer::Down(problem) => BUSY.contains(&problem.status),
        Answer::Unreachable(failure) => matches!(failure, Failure::TimedOut { .. } | Failure::Closed { .. }),
        _ => false,
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
            && let Some(id) = super::tenant::id(self).await
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that is written under these locks can be left half done by a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session::new(Memory::default(), BTreeSet::new(), 1, Instant::now())
    }

    #[tokio::test]
    async fn an_untried_credential_is_sent_by_one_at_a_time() {
        let session = session();
        let first = session.credential("a").await;
        let mut second = Box::pin(session.credential("a"));
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        assert!(!second.await.is_refused());
    }

    #[tokio::test]
    async fn a_proven_credential_keeps_nobody_waiting() {
        let session = session();
        session.credential("a").await.prove();
        let _first = session.credential("a").await;
        assert!(session.credential("a").now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_refusal_outweighs_an_earlier_proof() {
        let session = session();
        session.credential("a").await.prove();
        session.credential("a").await.refuse();
        let mut permit = session.credential("a").await;
        permit.prove();
        assert!(permit.is_refused());
    }
}
