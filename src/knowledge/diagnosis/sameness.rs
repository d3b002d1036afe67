//! What is looked at only once, or not at all, comes to the same as what is looked at closely.

use std::fmt::Write;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::{conclude, glance::Glance, matcher::Matcher, pieces, reader::Reader};
use crate::knowledge::Knowledge;

/// The diagnosis of a log, with or without the quick look, as JSON.
fn read(matcher: &Matcher, glance: Option<&Glance>, log: &[u8]) -> String {
    let mut reader = Reader::new(matcher);
    reader.read_whole(log, pieces::layout(log, false), glance);
    serde_json::to_string_pretty(&conclude::conclude(matcher, &reader, log.len() as u64, false))
        .unwrap_or_default()
}

/// Lines of logs; `#` stands for a digit, `~` for a letter or digit, `%%` for a name.
const LINES: &[&str] = &[
    "INFO mailbox %%@contoso.com: ## items changed, took ### ms",
    "INFO GET https://outlook.office365.com/EWS/Exchange.asmx HTTP/1.1 200 OK for %%@contoso.com",
    "ERROR %%@contoso.com: HTTP/1.1 4## from request ~~~~~~~~-~~~~-~~~~",
    "ERROR status code\\n ### of user## (#.#)",
    "ERROR AADSTS500## happened to %%@contoso.com, trace ~~~~~~~~~~~~",
    "ERROR AADSTS7000### trace {\\\"id\\\":\\\"~~~~\\\"}",
    "{\"level\":\"error\",\"error\":{\"code\":\"Quite~~~New~\",\"message\":\"m\"}}",
    "WARN <m:ResponseCode>ErrorServerBusy</m:ResponseCode> BackOff ####",
    "ERROR System.ErrorFoo##Bar: x=ErrorNew#Thing, y",
    "ERROR POST /token client_secret=~~~~~~~~~~~~ password=%%##~~~~",
    "ERROR eyJ~~~~~~~~~~~~.eyJ~~~~~~~~~~~~.~~~~~~~~ was refused with ###",
    "ERROR The user%20account is%2520disabled, code 0x800###,",
    "ERROR Verbindung verweigert: Zeit\u{fc}berschreitung bei Versuch ##",
    "ERROR connect ECONNREFUSED ##.##.##.##:443\n    at Foo.bar(file.js:##:##)\nCaused by: ETIMEDOUT #",
    "\u{1b}[3#mERROR\u{1b}[0m WSAE100## No connection could be made, error 100##",
    "ERROR Access is denied. Check credentials and try again. item AAMk~~~~~~~~~~~~=",
    "INFO token acquired for %%@contoso.com (##)",
    "INFO sync completed: ### folders",
    "ERROR claims=\"eyJhY2Nlc3NfdG9rZW4iOnsi~~~~\" insufficient_claims",
    "WARN  retry+in+##+s: 50# Service  Unavailable",
    "ERROR the request channel timed out after 00:00:##.####### svc_~~~~ TLS 1.#",
    "WARN FolderSync status #, status ##, status: ## and status=## of item ###",
    "ERROR ### 5.#.# mailbox of a#.%%-#@contoso.com, data 5## AS(4##) 40# 1 ##########",
    "ERROR \"code\":\"Quite_New_#\" or \"code\":\"Q~~_~~\" or .ErrorNew_#~ or ='Error#~~~~",
    "ERROR %2F~~~~ %20### %4##2 100%### a%2540# status%20### &#3#;##, &amp;##, &lt;40#&gt; ?id=~~&n=5##&x",
    "ERROR a+~~+the+user+account+is+disabled+~~, item #~ #5.1.## ;40#; _##_ x_40# \\u003#40# \\n40#\\t5## \\\"50#\\\"",
    "INFO ~~~~~~~~-~~~~-~~~~-~~~~-~~~~~~~~~~~~ C:\\temp#\\new~~ took ### ms (#.# s), line # column #",
    "ERROR https://%%@contoso.com:~~~~@host/ and https://user:~~#~~@host:443/ eyJ~~~~@x.com 0.A~~~ 1#.A~~",
    "ERROR state\\n## and state\\r\\n4# or state%0A4# or%20state&#32;4# or state\\u00204#",
    "ERROR state\\n#~ of it",
    "ERROR #~.evt gone",
    "ERROR #~xevt gone",
    "ERROR #~xEvt gone",
    "ERROR #~~evt ID gone",
    "HTTP/1.1 ###",
    "> 40# > status\n> ### error=\n### a=3D### x",
];

fn line() -> impl Strategy<Value = String> {
    let filled = (0..LINES.len(), prop::collection::vec(any::<u8>(), 64));
    filled.prop_map(|(line, bytes)| {
        let mut noise = bytes.iter().cycle().map(|byte| usize::from(*byte));
        let mut next = |among: &[u8]| char::from(among[noise.next().unwrap_or_default() % among.len()]);
        let names = [b'a', b'b', b'c'];
        LINES[line]
            .chars()
            .map(|c| match c {
                '#' => next(b"0123456789"),
                '~' => next(b"0123456789abcdefXYZ"),
                '%' => next(&names),
                c => c,
            })
            .collect()
    })
}

/// What a user may bring along: as short as it can be, and full of digits.
fn brought() -> Knowledge {
    let texts = "[a]\nmeans = 'm'\nany = ['7']\ncauses = [{ cause = 'proxy', weight = 90 }]\n\n\
                 [b]\nmeans = 'm'\nwords = ['12', 'ab1', 'x_4']\ncauses = [{ cause = 'throttled', weight = 90 }]\n\n\
                 [c]\nmeans = 'm'\nall = [['took', '9'], ['1.1', '3 ms', 'item', 'a']]\n\
                 causes = [{ cause = 'dns-failure', weight = 80 }]\n\n\
                 [d]\nmeans = 'm'\nany = ['y-1', '2@c', '5.', '.4', '(8', '0)', 'cafe', '-dead']\n\
                 causes = [{ cause = 'no-network', weight = 80 }]\n\n\
                 [f]\nmeans = 'm'\nany = ['state 4']\ncauses = [{ cause = 'proxy', weight = 60 }]\n\n\
                 [g]\nmeans = 'm'\nfree = true\nall = [['evt'], ['gone']]\n\
                 causes = [{ cause = 'proxy', weight = 70 }]\n\n\
                 [h]\nmeans = 'm'\nfree = true\nany = ['evt id']\ncauses = [{ cause = 'no-network', weight = 70 }]\n\n\
                 [e]\nmeans = 'm'\nany = ['status 6']\nheals = 'everything'\n";
    Knowledge::load([("texts/own".to_owned(), texts.to_owned())]).expect("loads")
}

fn known(knowledge: &Knowledge) -> (Matcher, Glance) {
    let matcher = Matcher::new(knowledge).expect("builds");
    let glance = Glance::new(&matcher).expect("builds");
    (matcher, glance)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_quick_look_misses_nothing(
        lines in prop::collection::vec((line(), 0..60_u8), 1..400),
        timed in any::<bool>(),
        windows in any::<bool>(),
    ) {
        static KNOWN: LazyLock<[(Matcher, Glance); 2]> =
            LazyLock::new(|| [known(Knowledge::embedded()), known(&brought())]);
        let mut log = String::new();
        for (number, (line, second)) in lines.iter().enumerate() {
            if timed {
                let _ = write!(log, "2026-11-20 10:{:02}:{second:02},{:03} ", number % 60, number % 7 * 100);
            }
            log.push_str(line);
            log.push_str(if windows { "\r\n" } else { "\n" });
        }
        for (matcher, glance) in &*KNOWN {
            let plain = read(matcher, None, log.as_bytes());
            prop_assert_eq!(read(matcher, Some(glance), log.as_bytes()), plain);
        }
    }
}

/// A log that is read in parts, with lines that are longer than any piece and failures on every border.
#[test]
fn parts_come_to_the_same_as_the_whole() {
    let mut log = String::new();
    for number in 0..9000 {
        let _ =
            write!(log, "2026-11-20 10:{:02}:{:02} user{number}@contoso.com ", number / 60 % 60, number % 60);
        log.push_str(match number % 9 {
            0 => "ERROR AADSTS7000222: The provided client secret keys for app are expired",
            1..=3 => {
                "WARN HTTP/1.1 503 Service Unavailable, waiting for the mailbox of the user to come back"
            }
            _ => "INFO 12 items synchronized in 503 ms; nothing else is to be told of this one or any other",
        });
        if number % 3000 == 2999 {
            log.push_str(&" and on it goes".repeat(6000));
            log.push_str(" ErrorAccessDenied");
        }
        log.push_str("\r\n");
    }
    assert!(log.len() > 1 << 20);
    let engine = super::Engine::new(Knowledge::embedded());
    let plain = read(&engine.matcher, None, log.as_bytes());
    let json =
        |log: &[u8]| serde_json::to_string_pretty(&engine.read(log).expect("reads")).unwrap_or_default();
    assert_eq!(json(log.as_bytes()), plain);
    let wide: Vec<u8> = log.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(json(&wide), plain);
}
