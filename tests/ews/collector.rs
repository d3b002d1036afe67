//! The collector: when a credential is sent, and what is written down.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use syncready::collect::session::{Memory, Session};
use syncready::collect::{
    Cloud, Context, Endpoints, Memo, Protocol, Subject, SubjectKind, Target, World, Yield, ews::CALLS,
};
use syncready::facts::{Section, catalogue, covers};
use syncready::wire::Secret;
use url::Url;

use super::stub::{HOST, Stub, bare_fault, inbox, quirky};

const USER: &str = "svc-sync@contoso.com";
const OTHER: &str = "adele@contoso.com";

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

fn target(password: &str) -> Target {
    Target {
        tenant: "contoso.com".into(),
        domain: "contoso.com".into(),
        tenant_id: None,
        cloud: Cloud::Worldwide,
        endpoints: Endpoints {
            sign_in: url("https://login.microsoftonline.com"),
            graph: url("https://graph.microsoft.com"),
            exchange_admin: url("https://outlook.office365.com"),
            ews: None,
            autodiscover: None,
            custom: Vec::new(),
        },
        account: USER.into(),
        world: Some(World::ExchangeServer),
        hybrid: false,
        protocol: Protocol::Ews,
        subject: Subject {
            kind: SubjectKind::Password,
            client_id: None,
            username: None,
            secret: Some(Secret::new(password)),
            certificate: None,
            scheme: "basic".into(),
            scheme_given: true,
            user_agent: None,
        },
        reader: None,
        active_directory: None,
        profile: "generic-ews".into(),
        profile_on_premises: None,
        application_permissions: Vec::new(),
        delegated_permissions: Vec::new(),
        features: Vec::new(),
        scope: "listed".into(),
        phase: None,
        also: vec![OTHER.into()],
        public_folders: Vec::new(),
        shared_mailboxes: Vec::new(),
        outside_mailboxes: Vec::new(),
        test_sync: None,
        wanted_users: None,
        sign_in_allowed: true,
        vendor_credential: false,
        consenting_admin: None,
        attested: Vec::new(),
    }
}

fn context(stub: &Stub, target: Target, host: &str, challenges: &[&str], memory: &Memory) -> Context {
    let mut before = Section::default();
    before.set("ews_endpoint.url", json!(format!("https://{host}/EWS/Exchange.asmx")));
    before.set("ews_endpoint.challenges", json!(challenges));
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    let session = Arc::new(Session::new(memory.clone(), std::collections::BTreeSet::new(), 1, deadline));
    let target = Arc::new(target);
    let peers = Arc::from([Arc::clone(&target)]);
    Context {
        target,
        net: stub.net(),
        before: Arc::new(before),
        session,
        peers,
        memo: Memo::default(),
        call: "ews",
    }
}

async fn run(context: &Context) -> Section {
    let running: Vec<_> = CALLS
        .iter()
        .filter(|call| (call.applies)(&context.target))
        .map(|call| tokio::spawn((call.run)(context.clone())))
        .collect();
    let mut facts = Section::default();
    for task in running {
        let Yield { section, .. } = task.await.expect("no panic");
        for (group, value) in section.facts {
            facts.set(&group, value);
        }
        facts.absent.extend(section.absent);
    }
    facts
}

fn get<'a>(facts: &'a Section, path: &str) -> &'a Value {
    facts.get(path).unwrap_or_else(|| panic!("{path}: {:?}", facts.absence(path)))
}

#[tokio::test]
async fn a_wrong_password_is_sent_once_by_all_calls_together() {
    let stub = Stub::start(quirky(USER, "right", OTHER)).await;
    let memory = Memory::default();
    let facts = run(&context(&stub, target("wrong"), HOST, &["ntlm", "basic"], &memory)).await;
    assert_eq!(stub.authenticated(), 1);
    assert_eq!(memory.refused().len(), 1);
    let attempted = ["ews.own.attempted", "ews.impersonated.attempted"].map(|path| get(&facts, path) == true);
    assert!(attempted.iter().filter(|sent| **sent).count() <= 1, "{attempted:?}");
}

#[tokio::test]
async fn a_password_that_got_no_answer_is_not_sent_again() {
    let stub = Stub::start(|_| Vec::new()).await;
    let memory = Memory::default();
    let facts = run(&context(&stub, target("right"), HOST, &["basic"], &memory)).await;
    assert_eq!(stub.authenticated(), 1);
    assert_eq!(memory.refused().len(), 0);
    let text = ["ews.own.text", "ews.impersonated.text"].iter().find_map(|path| facts.get(path));
    assert!(!text.expect("one was sent").to_string().contains("http"), "{text:?}");
}

#[tokio::test]
async fn a_server_that_asks_for_no_sign_in_never_sees_the_password() {
    let stub = Stub::start(quirky(USER, "right", OTHER)).await;
    let facts = run(&context(&stub, target("right"), HOST, &[], &Memory::default())).await;
    assert_eq!(stub.seen().len(), 0);
    assert_eq!(get(&facts, "ews.own.not_attempted_because"), "no-challenge");
}

#[test]
fn others_are_asked_about_after_the_account_itself() {
    let after = |name| CALLS.iter().find(|call| call.name == name).expect("a call").after;
    assert!(after("ews.impersonated").contains(&"ews.own"));
    assert!(after("ews.others").contains(&"ews.own"));
}

#[tokio::test]
async fn a_password_refused_by_an_earlier_run_is_not_sent() {
    let stub = Stub::start(quirky(USER, "right", OTHER)).await;
    let mut memory = Memory::default();
    memory.refused_before = Some(Arc::new(|_| true));
    let facts = run(&context(&stub, target("right"), HOST, &["basic"], &memory)).await;
    assert_eq!(stub.seen().len(), 0);
    assert_eq!(get(&facts, "ews.own.not_attempted_because"), "refused-before");
}

#[tokio::test]
async fn a_right_password_opens_the_own_and_the_other_mailbox() {
    let stub = Stub::start(quirky(USER, "right", OTHER)).await;
    let facts = run(&context(&stub, target("right"), HOST, &["basic"], &Memory::default())).await;
    assert_eq!(get(&facts, "ews.own.result"), "ok");
    assert_eq!(get(&facts, "ews.server_version"), "15.0.847.4040");
    assert_eq!(get(&facts, "ews.impersonated.code"), "ErrorImpersonateUserDenied");
    let others = get(&facts, "ews.others");
    assert_eq!((&others[0]["result"], &others[0]["repeated"]), (&json!("ok"), &json!(false)));
}

#[tokio::test]
async fn a_refusal_of_another_mailbox_is_confirmed_once() {
    let refused = ["ErrorImpersonateUserDenied", OTHER];
    let stub = Stub::start(move |seen| match seen.element("PrimarySmtpAddress") {
        Some(address) if address == refused[1] => bare_fault(refused[0]),
        _ => inbox(),
    })
    .await;
    let facts = run(&context(&stub, target("right"), HOST, &["basic"], &Memory::default())).await;
    let asked = stub.seen().iter().filter(|seen| seen.element("PrimarySmtpAddress") == Some(OTHER)).count();
    assert_eq!((asked, &get(&facts, "ews.others")[0]["repeated"]), (2, &json!(true)));
}

#[tokio::test]
async fn a_server_without_basic_never_sees_the_password() {
    let stub = Stub::start(quirky(USER, "right", OTHER)).await;
    let memory = Memory::default();
    let facts = run(&context(&stub, target("right"), HOST, &["negotiate", "ntlm"], &memory)).await;
    assert_eq!(stub.seen().len(), 0);
    assert_eq!(get(&facts, "ews.own.result"), "unsupported-scheme");
    assert_eq!(get(&facts, "ews.own.text"), "this server wants negotiate or ntlm, not basic");
}

#[tokio::test]
async fn a_product_that_speaks_ntlm_is_not_tried_with_basic() {
    let stub = Stub::start(quirky(USER, "right", OTHER)).await;
    let mut target = target("right");
    target.subject.scheme = "ntlm".into();
    let facts = run(&context(&stub, target, HOST, &["ntlm", "basic"], &Memory::default())).await;
    assert_eq!(stub.seen().len(), 0);
    assert_eq!(get(&facts, "ews.own.result"), "unsupported-scheme");
}

#[tokio::test]
async fn a_foreign_host_never_sees_the_password() {
    let stub = Stub::start(quirky(USER, "right", OTHER)).await;
    for host in ["mail.contoso.net", "outlook.office365.com", "contoso.com.evil.example"] {
        let facts = run(&context(&stub, target("right"), host, &["basic"], &Memory::default())).await;
        assert_eq!(get(&facts, "ews.own.not_attempted_because"), "unverified-host", "{host}");
    }
    assert_eq!(stub.seen().len(), 0);
}

#[tokio::test]
async fn without_leave_or_secret_nothing_is_sent() {
    let stub = Stub::start(quirky(USER, "right", OTHER)).await;
    let mut forbidden = target("right");
    forbidden.sign_in_allowed = false;
    let mut vendor = target("right");
    vendor.vendor_credential = true;
    for (target, because) in [(forbidden, "not-allowed"), (vendor, "secret-not-held")] {
        let facts = run(&context(&stub, target, HOST, &["basic"], &Memory::default())).await;
        assert_eq!(get(&facts, "ews.own.not_attempted_because"), because);
    }
    assert_eq!(stub.seen().len(), 0);
}

#[tokio::test]
async fn every_fact_is_written_or_absent_with_a_reason() {
    let stub = Stub::start(quirky(USER, "right", OTHER)).await;
    for challenges in [&["basic"][..], &["ntlm"], &[]] {
        let context = context(&stub, target("right"), HOST, challenges, &Memory::default());
        let facts = run(&context).await;
        let group = catalogue::group("ews").expect("a group");
        for path in group.facts.iter().map(|fact| format!("ews.{}", fact.path)) {
            let yields = CALLS.iter().flat_map(|call| call.yields);
            assert!(yields.into_iter().any(|prefix| covers(prefix, &path)), "{path} is nobody's");
            let known = path.contains("[]") || facts.get(&path).is_some() || facts.absence(&path).is_some();
            assert!(known, "{path} with {challenges:?}");
        }
    }
}
