//! What is looked at only once, or not at all, comes to the same as what is looked at closely.

use std::fmt::Write;

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

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_quick_look_misses_nothing(
        lines in prop::collection::vec((line(), 0..60_u8), 1..400),
        timed in any::<bool>(),
    ) {
        static KNOWN: std::sync::LazyLock<(Matcher, Glance)> = std::sync::LazyLock::new(|| {
            let matcher = Matcher::new(Knowledge::embedded()).expect("builds");
            let glance = Glance::new(&matcher).expect("builds");
            (matcher, glance)
        });
        let mut log = String::new();
        for (number, (line, second)) in lines.iter().enumerate() {
            if timed {
                let _ = write!(log, "2026-11-20 10:{:02}:{second:02},{:03} ", number % 60, number % 7 * 100);
            }
            log.push_str(line);
            log.push('\n');
        }
        let (matcher, glance) = &*KNOWN;
        let plain = read(matcher, None, log.as_bytes());
        prop_assert_eq!(read(matcher, Some(glance), log.as_bytes()), plain);
    }
}
