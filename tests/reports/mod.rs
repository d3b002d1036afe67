//! Hand-built reports, each with one trait that a format must show well.

use std::collections::BTreeMap;

use syncready::engine::{
    AccountReport, CannotDetermine, Change, ChangedLately, Counts, Finding, FirstCause, Fix, Missing, Report,
    Settles, TenantReport, Verdict, Word, WouldPassIf,
};
use syncready::facts::Tool;

/// A finding without particulars.
pub fn finding(check: &str, title: &str, result: Word) -> Finding {
    Finding { required: true, ..Finding::new(check, title, result) }
}

fn saying(check: &str, title: &str, result: Word, message: &str) -> Finding {
    Finding { message: message.into(), ..finding(check, title, result) }
}

fn reason(code: &str, text: &str) -> Missing {
    Missing { code: code.into(), text: text.into(), permission: None, because: None, fact: None }
}

fn skipped(check: &str, title: &str, because: &str) -> Finding {
    let reason =
        Missing { because: Some(because.into()), ..reason("skipped", &format!("waits for {because}")) };
    Finding { reason: Some(reason), ..finding(check, title, Word::Skipped) }
}

fn unknown(check: &str, title: &str, text: &str, permission: Option<&str>) -> Finding {
    let reason = Missing { permission: permission.map(Into::into), ..reason("denied", text) };
    Finding { reason: Some(reason), ..saying(check, title, Word::Unknown, text) }
}

/// Counts, tallied from the findings.
pub fn counts(findings: &[Finding]) -> Counts {
    let number = |word| findings.iter().filter(|finding| finding.result == word).count();
    Counts {
        pass: number(Word::Pass),
        warn: number(Word::Warn),
        fail: number(Word::Fail),
        unknown: number(Word::Unknown),
        skipped: number(Word::Skipped),
        not_applicable: number(Word::NotApplicable),
        waived: findings.iter().filter(|finding| finding.waived.is_some()).count(),
    }
}

/// An account with these findings and no causes.
pub fn account(address: &str, verdict: Verdict, findings: Vec<Finding>) -> AccountReport {
    AccountReport {
        account: address.into(),
        tenant: "contoso.com".into(),
        profile: "cirasync".into(),
        world: "online-delegated".into(),
        mode: "Graph, delegated identity, password".into(),
        verdict,
        counts: counts(&findings),
        first_causes: Vec::new(),
        cannot_determine: Vec::new(),
        findings,
        sync: None,
        evidence: BTreeMap::new(),
        custom_endpoints: Vec::new(),
        hint: None,
    }
}

/// A report of these accounts.
pub fn report(verdict: Verdict, accounts: Vec<AccountReport>) -> Report {
    Report {
        additions: syncready::engine::Additions::default(),
        format: 1,
        tool: Tool { name: "syncready".into(), version: "0.0.0".into() },
        started_at: "2026-11-21T08:00:00Z".into(),
        duration_ms: 412,
        verdict,
        tenants: BTreeMap::from([("contoso.com".into(), TenantReport::default())]),
        accounts,
    }
}

fn network() -> Vec<Finding> {
    vec![
        saying("network/names-resolve", "Host names resolve", Word::Pass, "3 of 3 names resolve"),
        finding("network/proxy-lets-through", "The proxy lets the product through", Word::NotApplicable),
        finding("network/hosts-accept-connections", "Hosts accept connections", Word::Pass),
        finding("network/clock-agrees", "The clock agrees with the servers", Word::Pass),
        finding("tenant/exists", "The tenant exists", Word::Pass),
    ]
}

fn healthy_account(address: &str) -> AccountReport {
    let mut findings = network();
    findings.extend([
        finding("account/exists", "The directory has the account", Word::Pass),
        finding("account/is-enabled", "The account is enabled", Word::Pass),
        finding("mfa/per-user-mfa-is-off", "Per-user multifactor authentication is off", Word::Pass),
        finding("ews/organization-switch-is-on", "EWS is on for the organization", Word::NotApplicable),
        finding("ews/mailbox-switch-is-on", "EWS is on for the mailbox", Word::NotApplicable),
    ]);
    account(address, Verdict::Ready, findings)
}

/// All is well.
pub fn healthy() -> Report {
    report(Verdict::Ready, vec![healthy_account("svc-sync@contoso.com")])
}

fn mfa_fix() -> Fix {
    Fix {
        steps: vec![
            "Open the Microsoft Entra admin center and go to Identity > Users > All users > Per-user MFA.".into(),
            "Select svc-sync@contoso.com, choose Disable multifactor authentication and confirm.".into(),
        ],
        command: Some(
            "Update-MgBetaUserAuthenticationRequirement -UserId 'svc-sync@contoso.com' -PerUserMfaState 'disabled'"
                .into(),
        ),
        shell: Some("powershell".into()),
        who: Some("tenant administrator".into()),
        role: Some("Authentication Policy Administrator".into()),
        verify: Some("syncready check svc-sync@contoso.com --only mfa/per-user-mfa-is-off".into()),
        overwrites: false,
    }
}

fn mfa_cause() -> FirstCause {
    FirstCause {
        cause: "mfa-required".into(),
        check: "mfa/per-user-mfa-is-off".into(),
        also: vec!["mfa/no-registration-is-due".into()],
        title: "Per-user multifactor authentication is off".into(),
        message:
            "svc-sync@contoso.com must give a second factor at every sign-in: its per-user state is enforced"
                .into(),
        why: "The product signs in with a password while nobody watches. A second factor cannot be given \
              then, and every sync stops with a sign-in error."
            .into(),
        expected: Some("per-user state disabled".into()),
        actual: Some("enforced".into()),
        fix: vec![
            mfa_fix(),
            Fix {
                steps: vec!["Connect the product once by its sign-in page instead of a password.".into()],
                ..Fix::default()
            },
        ],
        settles: Some(Settles { usual: "5 minutes".into(), max: "1 hour".into() }),
        would_pass_if: vec![WouldPassIf {
            path: "mfa.per_user_state".into(),
            change: Change::Set,
            from: "enforced".into(),
            to: "disabled".into(),
            text: "`mfa.per_user_state` (disabled, enabled or enforced) were disabled, not enforced".into(),
        }],
        changed_lately: vec![ChangedLately {
            at: "2026-11-20T14:03:10Z".into(),
            text: "the password was changed".into(),
            path: "account.last_password_change".into(),
        }],
        outage: None,
        ticket: Some("svc-sync@contoso.com is not ready for its sync product: mfa-required.".into()),
        hides: vec!["sign-in/subject-gets-a-token".into(), "sign-in/token-fits-the-call".into()],
    }
}

fn consent_cause() -> FirstCause {
    FirstCause {
        cause: "consent-missing".into(),
        check: "consent/delegated-permissions-are-granted".into(),
        also: Vec::new(),
        title: "The delegated permissions are granted".into(),
        message: "Contacts.ReadWrite is not granted to CiraSync".into(),
        why: String::new(),
        expected: None,
        actual: None,
        fix: Vec::new(),
        settles: None,
        would_pass_if: Vec::new(),
        changed_lately: Vec::new(),
        outage: None,
        ticket: None,
        hides: Vec::new(),
    }
}

fn broken_account(address: &str) -> AccountReport {
    let (mfa, consent) = (mfa_cause(), consent_cause());
    let mut findings = network();
    findings.extend([
        finding("account/is-enabled", "The account is enabled", Word::Pass),
        Finding {
            cause: Some(mfa.cause.clone()),
            why: mfa.why.clone(),
            fix: mfa.fix.clone(),
            ..saying(&mfa.check, &mfa.title, Word::Fail, &mfa.message)
        },
        Finding {
            cause: Some(mfa.cause.clone()),
            ..saying(
                "mfa/no-registration-is-due",
                "No registration of a second factor is due",
                Word::Fail,
                "a registration is due at the next sign-in",
            )
        },
        Finding {
            cause: Some(consent.cause.clone()),
            ..saying(&consent.check, &consent.title, Word::Fail, &consent.message)
        },
        skipped("sign-in/subject-gets-a-token", "The product gets a token", &mfa.check),
        skipped("sign-in/token-fits-the-call", "The token fits the call", &mfa.check),
    ]);
    AccountReport { first_causes: vec![mfa, consent], ..account(address, Verdict::NotReady, findings) }
}

/// One root with two checks behind it, and a second root.
pub fn broken() -> Report {
    let account = AccountReport {
        custom_endpoints: vec!["https://login.test.contoso.com:8443".into()],
        ..broken_account("svc-sync@contoso.com")
    };
    report(Verdict::NotReady, vec![account])
}

/// Ready, with something to look at, and one warning that was waived.
pub fn warnings() -> Report {
    let mut findings = network();
    findings.extend([
        Finding {
            required: false,
            ..saying(
                "app/credential-is-valid-for-30-days",
                "The app's credential is valid for 30 days",
                Word::Warn,
                "secret \"sync 2025\" ends on 2026-12-03, in 12 days",
            )
        },
        Finding {
            waived: Some("until 2027-01-31, by ada: the old connector is being replaced".into()),
            ..saying(
                "account/is-dedicated",
                "The account serves this product only",
                Word::Warn,
                "Old Connector signs in with it too",
            )
        },
        Finding {
            required: false,
            ..unknown(
                "app/recent-sign-ins-succeed",
                "Recent sign-ins of the product succeeded",
                "the sign-in log needs AuditLog.Read.All",
                Some("AuditLog.Read.All"),
            )
        },
    ]);
    report(Verdict::Ready, vec![account("svc-sync@contoso.com", Verdict::Ready, findings)])
}

/// Nothing fails, but too little could be read.
pub fn undetermined() -> Report {
    let mut findings = network();
    let policies = "the Conditional Access policies need Policy.Read.All";
    findings.extend([
        unknown(
            "mfa/security-defaults-do-not-interrupt",
            "Security defaults do not interrupt",
            policies,
            Some("Policy.Read.All"),
        ),
        unknown(
            "mfa/no-policy-asks-for-a-factor",
            "No Conditional Access policy asks the account for a second factor",
            policies,
            Some("Policy.Read.All"),
        ),
        Finding {
            required: false,
            ..unknown(
                "app/recent-sign-ins-succeed",
                "Recent sign-ins of the product succeeded",
                "the sign-in log needs AuditLog.Read.All",
                Some("AuditLog.Read.All"),
            )
        },
        unknown(
            "sign-in/subject-gets-a-token",
            "The product gets a token",
            "no answer within 10 seconds",
            None,
        ),
    ]);
    let group = |permission: Option<&str>, reason: &str, text: &str, checks: &[&str]| CannotDetermine {
        permission: permission.map(Into::into),
        reason: reason.into(),
        text: text.into(),
        checks: checks.iter().map(|check| (*check).into()).collect(),
    };
    let account = AccountReport {
        cannot_determine: vec![
            group(
                Some("Policy.Read.All"),
                "denied",
                "the reader's token does not carry it",
                &["mfa/security-defaults-do-not-interrupt", "mfa/no-policy-asks-for-a-factor"],
            ),
            group(Some("AuditLog.Read.All"), "not-asked", "", &["app/recent-sign-ins-succeed"]),
            group(None, "timed-out", "no answer within 10 seconds", &["sign-in/subject-gets-a-token"]),
        ],
        hint: Some(
            "This was a look from outside. With a reader (see syncready init), 24 more checks can be judged."
                .into(),
        ),
        ..account("svc-sync@contoso.com", Verdict::Undetermined, findings)
    };
    report(Verdict::Undetermined, vec![account])
}

/// Nothing but the public answers, because nobody signed in.
pub fn from_outside() -> Report {
    let unasked = |check: &str, title: &str| {
        let text = "nobody signed in to read it";
        let reason = reason("not-asked", text);
        Finding { reason: Some(reason), ..saying(check, title, Word::Unknown, text) }
    };
    let mut findings = network();
    findings.extend([
        unasked("account/exists", "The directory has the account"),
        unasked("account/is-enabled", "The account is enabled"),
        finding("account/is-not-locked", "The account is not locked", Word::NotApplicable),
        unasked("mfa/per-user-mfa-is-off", "Per-user multifactor authentication is off"),
        saying("mailbox/location", "The mailbox lives where the product calls", Word::Pass, "cloud"),
        unasked("mailbox/exists", "The mailbox exists"),
    ]);
    let open = findings.iter().filter(|finding| finding.result == Word::Unknown);
    let account = AccountReport {
        cannot_determine: vec![CannotDetermine {
            permission: None,
            reason: "not-asked".into(),
            text: "nobody signed in to read it".into(),
            checks: open.map(|finding| finding.check.clone()).collect(),
        }],
        world: "unknown".into(),
        mode: "from outside, without signing in".into(),
        hint: Some("With a reader in syncready.toml, 4 more checks can be judged.".into()),
        ..account("svc-sync@contoso.com", Verdict::Undetermined, findings)
    };
    report(Verdict::Undetermined, vec![account])
}

/// This machine reaches nothing.
pub fn no_network() -> Report {
    let check = "network/names-resolve";
    let message = "none of 3 names resolves: login.microsoftonline.com, graph.microsoft.com, contoso.com";
    let findings = vec![
        Finding {
            cause: Some("no-network".into()),
            ..saying(check, "Host names resolve", Word::Fail, message)
        },
        skipped("network/hosts-accept-connections", "Hosts accept connections", check),
        skipped("tenant/exists", "The tenant exists", check),
        skipped("account/exists", "The directory has the account", check),
        skipped("account/is-enabled", "The account is enabled", check),
        skipped("account/is-unique", "The account is the only one of its address", check),
        skipped("app/is-enabled", "The app is enabled", check),
        skipped("mailbox/exists", "The mailbox exists", check),
    ];
    let cause = FirstCause {
        cause: "no-network".into(),
        check: check.into(),
        title: "Host names resolve".into(),
        message: message.into(),
        why: "Nothing can be said about an account that cannot be reached.".into(),
        fix: vec![Fix {
            steps: vec!["Connect this machine to the network and try again.".into()],
            who: Some("network administrator".into()),
            ..Fix::default()
        }],
        hides: findings[1..].iter().map(|finding| finding.check.clone()).collect(),
        also: Vec::new(),
        ..consent_cause()
    };
    let account = AccountReport {
        first_causes: vec![cause],
        world: "unknown".into(),
        ..account("svc-sync@contoso.com", Verdict::Undetermined, findings)
    };
    report(Verdict::Undetermined, vec![account])
}

/// Three accounts with three verdicts.
pub fn several() -> Report {
    let mut open = undetermined().accounts.remove(0);
    open.account = "svc-open@contoso.com".into();
    open.hint = None;
    let accounts =
        vec![healthy_account("svc-fine@contoso.com"), broken_account("svc-broken@contoso.com"), open];
    report(Verdict::NotReady, accounts)
}

/// Text by servers that mean no good, and names that are wide or long.
pub fn hostile() -> Report {
    let name = "同步服务账户 连接器 👩‍👩‍👧‍👦\u{202e}moc\x1b]0;gotcha\x07\x1b[2J\u{9b}31m\r\nVERDICT: ready";
    let long = "Sehrlangerrichtlinienname".repeat(5);
    let url = "https://learn.microsoft.com/en-us/entra/identity/conditional-access/policy-block-by-location?tabs=one";
    let cause = FirstCause {
        cause: "conditional-access-block".into(),
        check: "mfa/no-policy-blocks-the-sign-in".into(),
        title: "No Conditional Access policy blocks the sign-in".into(),
        message: format!("{name} blocks the sign-in, {long} too, see {url}"),
        expected: Some("no policy blocks".into()),
        actual: Some(name.into()),
        fix: vec![Fix {
            steps: vec![format!("Exclude the account from {name}.")],
            command: Some(format!("Get-MgPolicy \\\n    -Name '{name}'\tx\n")),
            shell: Some("sh".into()),
            overwrites: true,
            ..Fix::default()
        }],
        ..consent_cause()
    };
    let failed = Finding {
        cause: Some(cause.cause.clone()),
        ..saying(&cause.check, &cause.title, Word::Fail, &cause.message)
    };
    let account = AccountReport {
        first_causes: vec![cause],
        mode: name.into(),
        ..account("同步\x1b[31m@contoso.com", Verdict::NotReady, vec![failed])
    };
    report(Verdict::NotReady, vec![account])
}

/// All of them, by name.
pub fn all() -> Vec<(&'static str, Report)> {
    vec![
        ("healthy", healthy()),
        ("broken", broken()),
        ("warnings", warnings()),
        ("undetermined", undetermined()),
        ("from-outside", from_outside()),
        ("no-network", no_network()),
        ("several", several()),
        ("hostile", hostile()),
        ("nothing", report(Verdict::NothingChecked, Vec::new())),
    ]
}
