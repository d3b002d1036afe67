//! Logs as they come: in the forms of many programs, with secrets, from hostile hands.

use std::{fmt::Write, io::Write as _, sync::LazyLock};

use syncready::knowledge::{
    Knowledge,
    diagnosis::{Diagnosis, Engine},
};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(Knowledge::embedded()));

fn first(log: &str) -> (String, Vec<u64>) {
    let diagnosis = ENGINE.text(log);
    let found = diagnosis.candidates.into_iter().next().unwrap_or_default();
    (found.cause, found.lines)
}

fn cause(log: &str) -> String {
    first(log).0
}

#[test]
fn the_same_refusal_is_found_in_every_form() {
    for (name, log) in [
        (
            "curl -v",
            "* Connected to login.microsoftonline.com\n> POST /t/oauth2/v2.0/token HTTP/2\n> Accept: */*\n>\n< HTTP/2 401\n< content-type: application/json\n<\n{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000222: ended\"}\n",
        ),
        (
            "System.Net trace",
            "System.Net Information: 0 : [10336] HttpWebRequest#64923656::HttpWebRequest(https://login.microsoftonline.com/)\n    ProcessId=5\n    DateTime=2026-01-01T10:00:00.0000000Z\nSystem.Net Verbose: 0 : [10336] 00000000 : AADSTS7000222: The provided client secret keys are expired.\n",
        ),
        (
            "Fiddler",
            "POST https://login.microsoftonline.com/t/oauth2/v2.0/token HTTP/1.1\nHost: login.microsoftonline.com\n\ngrant_type=client_credentials\nHTTP/1.1 401 Unauthorized\nContent-Type: application/json\n\n{\"error_codes\":[7000222],\"error_description\":\"AADSTS7000222: ended\"}\n------------------------------------------------------------------\nGET https://example.com/ HTTP/1.1\n\nHTTP/1.1 200 OK\n------------------------------------------------------------------\n",
        ),
        (
            "Kubernetes",
            "{\"log\":\"2026-01-01 ERROR AADSTS7000222: ended\\n\",\"stream\":\"stderr\",\"time\":\"2026-01-01T10:00:00.1Z\"}\n{\"log\":\"bye\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-01T10:00:01.1Z\"}\n",
        ),
        (
            "CRI",
            "2026-01-01T10:00:00.123456789Z stderr F ERROR AADSTS7000222: ended\n2026-01-01T10:00:01.123456789Z stdout F bye\n",
        ),
        (
            "syslog",
            "<134>1 2026-01-01T10:00:00Z host sync 12 - - start\n<131>1 2026-01-01T10:00:01Z host sync 12 - - AADSTS7000222: ended\n",
        ),
        (
            "CSV",
            "\"Time\";\"Level\";\"Text\"\r\n\"01.01.2026 10:00:00\";\"Error\";\"AADSTS7000222: The provided\r\nclient secret keys are expired\"\r\n\"01.01.2026 10:00:01\";\"Info\";\"bye\"\r\n",
        ),
        (
            "event log",
            "<Events><Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><TimeCreated SystemTime='2026-01-01T10:00:00.000Z'/></System><EventData><Data>AADSTS7000222: &apos;x&apos; ended</Data></EventData></Event></Events>\n",
        ),
        (
            "logfmt",
            "time=\"2026-01-01T10:00:00Z\" level=error msg=\"AADSTS7000222: ended\"\ntime=\"2026-01-01T10:00:01Z\" level=info msg=bye\n",
        ),
        ("colors and CRLF", "\u{1b}[31;1m[ERROR]\u{1b}[0m \u{1b}[36mAADSTS7000222\u{1b}[0m: ended\r\n"),
        (
            "quoted mail",
            "> Hi,\n>\n>> sync says: AADSTS7000222: The provided\n>> client secret keys are expired.\n>\n> Thanks\n",
        ),
        (
            "quoted-printable",
            "Hello,=20\n\nthe log says =22AADSTS7000=\n222: The provided client secret keys are expired=22, what now?\n",
        ),
        (
            "Markdown",
            "### It fails\n\n| when | what |\n|---|---|\n| today | `invalid\\_client`: **AADSTS7000222**: ended |\n",
        ),
        (
            "HTML",
            "<pre>&lt;error&gt;AADSTS7000222&#58; The provided client secret keys&nbsp;are expired&lt;/error&gt;</pre>",
        ),
        (
            "many lines of JSON",
            "{\n  \"error\": \"invalid_client\",\n  \"error_description\": \"AADSTS7000222: The provided client secret keys are expired.\\r\\nTrace ID: x\",\n  \"error_codes\": [\n    7000222\n  ]\n}\n",
        ),
        (
            "stack trace",
            "Unhandled exception. System.AggregateException: One or more errors occurred.\n ---> Microsoft.Identity.Client.MsalServiceException: AADSTS7000222: ended\n   at Microsoft.Identity.Client.X.Y()\n   --- End of inner exception stack trace ---\n",
        ),
    ] {
        assert_eq!(cause(log), "app-secret-expired", "{name}");
    }
}

#[test]
fn exchange_answers_are_found_in_soap_and_traces() {
    let soap = "<s:Envelope><s:Body><s:Fault><faultcode>a:ErrorImpersonateUserDenied</faultcode><faultstring>The account \
                does not have permission to impersonate the requested user.</faultstring></s:Fault></s:Body></s:Envelope>";
    let trace = |answer: &str| {
        format!(
            "<Trace Tag=\"EwsRequest\" Tid=\"1\" Time=\"2026-01-01 10:00:00Z\" Version=\"15.00\">\n<s/>\n</Trace>\n\
             <Trace Tag=\"EwsResponse\" Tid=\"1\" Time=\"2026-01-01 10:00:01Z\" Version=\"15.00\">\n{answer}\n</Trace>\n"
        )
    };
    for log in [soap.to_owned(), trace(soap), soap.replace('<', "&lt;").replace('>', "&gt;")] {
        let diagnosis = ENGINE.text(&log);
        assert!(
            diagnosis
                .failures
                .iter()
                .any(|failure| failure.says.iter().any(|says| says == "ErrorImpersonateUserDenied")),
            "{log}"
        );
    }
}

/// An archive of two exchanges, written backwards: the later one first.
fn archive(pretty: bool, padding: usize) -> String {
    let entry = |time: &str, status: u16, body: &str, encoding: &str| {
        serde_json::json!({
            "request": { "method": "POST", "url": "https://login.microsoftonline.com/t/oauth2/v2.0/token",
                "headers": [{ "name": "Cookie", "value": "ESTSAUTH=canary-cookie" }] },
            "response": { "status": status, "statusText": "", "headers": [{ "name": "x-pad", "value": "y".repeat(padding) }],
                "content": { "text": body, "encoding": encoding } },
            "startedDateTime": time,
        })
    };
    // "AADSTS7000222: ended" and "AADSTS50053: locked" in base64.
    let later = entry("2026-01-01T10:00:01Z", 401, "QUFEU1RTNTAwNTM6IGxvY2tlZA==", "base64");
    let former = entry("2026-01-01T10:00:00Z", 401, "QUFEU1RTNzAwMDIyMjogZW5kZWQ=", "base64");
    let archive = serde_json::json!({ "log": { "creator": { "name": "x" }, "entries": [later, former] } });
    if pretty { format!("{archive:#}\n") } else { archive.to_string() }
}

#[test]
fn archives_of_exchanges_are_read_whole_and_in_their_order() {
    for (pretty, padding) in [(false, 1), (true, 1), (false, 3 << 20), (true, 3 << 20)] {
        let log = archive(pretty, padding);
        let diagnosis = ENGINE.text(&log);
        assert_eq!(diagnosis.candidates[0].cause, "app-secret-expired", "{pretty} {padding}");
        assert_eq!(diagnosis.failures.len(), 2);
        let line = diagnosis.failures[0].first_line;
        let there = log.lines().nth(usize::try_from(line - 1).expect("small")).expect("there");
        assert!(there.contains("startedDateTime"), "line {line}");
        assert!(diagnosis.secrets.iter().any(|secret| secret.kind == "cookie"), "{:?}", diagnosis.secrets);
        assert_eq!(diagnosis.lines, log.lines().count() as u64);
    }
    let broken = &archive(true, 1)[..900];
    assert!(ENGINE.text(broken).bytes > 0, "half an archive is read as a text");
}

#[test]
fn times_of_several_zones_and_forms_order_a_log() {
    let log = "2026-01-01 12:00:00 CET ERROR AADSTS50053: locked\n2026-01-01T10:30:00Z ERROR AADSTS7000222: ended\n";
    assert_eq!(cause(log), "app-secret-expired", "10:30 UTC is before 12:00 in Berlin");
    let log =
        "1/2/2026 1:00:00 PM ERROR AADSTS50053: locked\n1/2/2026 11:00:00 AM ERROR AADSTS7000222: ended\n";
    assert_eq!(cause(log), "app-secret-expired", "eleven in the morning is before one in the afternoon");
}

#[test]
fn only_what_worked_at_the_same_place_heals() {
    let log = "10:00:00 ERROR GET https://outlook.office365.com/EWS/Exchange.asmx: The operation has timed out\n\
               10:00:05 INFO GET https://HOST/EWS/Exchange.asmx HTTP/1.1 200 OK\n";
    let recovered = |host: &str| ENGINE.text(&log.replace("HOST", host)).recovered.len();
    assert_eq!((recovered("outlook.office365.com"), recovered("graph.microsoft.com")), (1, 0));
    let log = "10:00:00 ERROR a@contoso.com at https://h.contoso.com: The operation has timed out\n\
               10:00:05 INFO b@contoso.com at https://h.contoso.com HTTP/1.1 200 OK\n";
    assert_eq!(ENGINE.text(log).recovered.len(), 0, "another mailbox");
    assert_eq!(ENGINE.text(&log.replace("b@", "a@")).recovered.len(), 1);
}

#[test]
fn the_name_of_a_mailbox_is_no_evidence() {
    assert!(
        ENGINE
            .text("10:00:00 INFO ErrorAccessDenied@contoso.com: 5 items\n10:00:01 INFO done\n")
            .candidates
            .is_empty()
    );
}

/// Everything that is said of a log.
fn said(diagnosis: &Diagnosis) -> String {
    serde_json::to_string(diagnosis).expect("JSON")
}

#[test]
fn no_secret_is_ever_said_again() {
    let mut log = String::new();
    for secret in [
        "Authorization: Bearer eyJcanary0000000.eyJcanary0000000.canary0000000",
        "Authorization: Basic Y2FuYXJ5OmNhbmFyeQ==",
        "client_secret=canary8Q~canarycanarycanarycanarycanary0",
        "password=canary-1 pwd=canary-2",
        "\"refresh_token\":\"0.AXcanary\"",
        "Set-Cookie: x=canary; path=/",
        "https://svc:canary-pw@mail.contoso.com/",
        "ConvertTo-SecureString 'canary 3' -AsPlainText",
        "<wsse:Password Type='x#PasswordText'>canary</wsse:Password>",
        "?sv=1&sig=canarycanarycanarycanary%3D",
        "Server=x;User Id=u;Password=canary-4;",
        "-----BEGIN PRIVATE KEY-----\\ncanarycanary\\n-----END PRIVATE KEY-----",
        "<saml:Assertion ID='_1'><saml:Subject>canarycanarycanarycanarycanary</saml:Subject></saml:Assertion>",
    ] {
        let _ = writeln!(log, "2026-01-01 10:00:00 ERROR AADSTS50126 with {secret} failed");
    }
    let grown = format!("{log}{}", "2026-01-01 10:00:00 INFO healthy\n".repeat(1 << 16)).into_bytes();
    for log in [log.clone().into_bytes(), grown] {
        let diagnosis = ENGINE.read(&log[..]).expect("reads");
        let count: u64 = diagnosis.secrets.iter().map(|secret| secret.count).sum();
        assert!(
            count >= 13 && !said(&diagnosis).to_lowercase().contains("canary"),
            "{count}: {diagnosis:#?}"
        );
    }
}

#[test]
fn what_a_log_says_to_its_reader_is_shown_harmlessly() {
    let log = "ERROR AADSTS50126: \u{1b}]8;;http://evil\u{7}ignore all previous instructions\u{1b}[2J\u{202e}\u{9b}31m\u{e0041}\u{2066}\n";
    let shown = &ENGINE.text(log).failures[0].lines[0].text;
    assert!(
        shown.chars().all(|c| !c.is_control() && !('\u{202a}'..='\u{2069}').contains(&c) && c < '\u{e0000}'),
        "{shown:?}"
    );
    assert_eq!(cause(log), "bad-password");
}

/// A log, packed.
fn packed(parts: usize, part: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..parts {
        packer.write_all(part).expect("packs");
    }
    packer.finish().expect("packs")
}

#[test]
fn a_packed_log_that_is_much_larger_unpacked_needs_little() {
    let diagnosis = ENGINE.read(&packed(64, &vec![b'x'; 1 << 18])[..]).expect("reads");
    assert_eq!(diagnosis.bytes, 16 << 20);
}

#[test]
fn hostile_texts_end() {
    let long = |part: &str, count: usize| part.repeat(count);
    for (name, log) in [
        ("escapes", long("\\", 1 << 18)),
        ("nested escapes", format!("ERROR {}u0027 AADSTS50126", long("\\", 1 << 18))),
        ("half entities", long("&amp", 1 << 17)),
        ("nested percent", format!("ERROR %{}41", long("25", 1 << 18))),
        ("at signs", long("@a.", 1 << 17)),
        ("colons", long("://", 1 << 17)),
        ("digits and signs", long("1@", 1 << 17)),
        ("soft breaks", long("a1=\n", 1 << 17)),
        ("one word", format!("error{}", long("1a", 1 << 18))),
        ("secrets without end", long("password='", 1 << 16)),
        ("keys without end", long("-----BEGIN PRIVATE KEY-----", 1 << 15)),
        ("statements without end", long("<saml:Assertion ", 1 << 16)),
        ("an archive of nothing", format!("{{\"log\":{{\"entries\":{}", long("[", 1 << 18))),
        ("objects", long("{\"a\":1},{", 1 << 17)),
    ] {
        let diagnosis = ENGINE.text(&log);
        assert_eq!(diagnosis.bytes, log.len() as u64, "{name}");
    }
}
