//! The machine against mailboxes that answer from memory.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::stream;

use super::*;
use crate::facts::Reason;

type Script = dyn Fn(&str, usize) -> Answer + Send + Sync;

/// Answers by address and number of questions; counts how many are asked at the same time.
struct Fake {
    script: Box<Script>,
    asked: Mutex<BTreeMap<String, usize>>,
    order: Mutex<Vec<(String, Instant)>>,
    now: AtomicUsize,
    most: AtomicUsize,
    alone: AtomicUsize,
}

impl Fake {
    fn new(script: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            script: Box::new(script),
            asked: Mutex::default(),
            order: Mutex::default(),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            alone: AtomicUsize::new(0),
        })
    }
}

impl Prober for Fake {
    async fn probe(&self, address: &str) -> Answer {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let number = {
            let mut asked = self.asked.lock().expect("whole");
            let number = asked.entry(address.to_owned()).or_default();
            *number += 1;
            *number
        };
        self.order.lock().expect("whole").push((address.to_owned(), Instant::now()));
        if self.order.lock().expect("whole").len() == 1 {
            tokio::time::sleep(Duration::from_millis(30)).await;
            self.alone.store(self.order.lock().expect("whole").len(), Ordering::SeqCst);
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        (self.script)(address, number)
    }
}

fn addresses(count: usize) -> impl Stream<Item = Result<Mailbox, Absence>> + Unpin {
    stream::iter((0..count).map(|at| Ok(mailbox(&format!("u{at}@contoso.com")))))
}

fn mailbox(address: &str) -> Mailbox {
    Mailbox { address: address.into(), declared: Declared::Unknown }
}

fn quick() -> Options {
    Options { pace: Pace { rate: None, width: 8 }, ..Options::default() }
}

async fn ran(
    list: impl Stream<Item = Result<Mailbox, Absence>> + Unpin,
    fake: &Arc<Fake>,
    options: &Options,
) -> (Vec<Row>, Ending) {
    let (mut rows, stop) = (Vec::new(), CancellationToken::new());
    let ending = run(list, Arc::clone(fake), options, &stop, |news| {
        if let News::Row(row) = news {
            rows.push(row);
        }
        ControlFlow::Continue(())
    });
    let ending = ending.await;
    (rows, ending)
}

fn open() -> Answer {
    Answer { status: Some(200), ..Answer::new(Standing::Open) }
}

#[tokio::test]
async fn every_mailbox_gets_one_row_and_the_first_is_asked_alone() {
    let fake = Fake::new(|_, _| open());
    let (mut rows, ending) = ran(addresses(100), &fake, &quick()).await;
    assert_eq!(ending, Ending { early: None, requests: 100, refused_for_rate: 0, left: 0 });
    rows.sort_by(|one, other| one.mailbox.address.cmp(&other.mailbox.address));
    rows.dedup_by(|one, other| one.mailbox == other.mailbox);
    assert_eq!(rows.len(), 100);
    assert_eq!(fake.alone.load(Ordering::SeqCst), 1, "others went out before the first came back");
    assert_eq!(fake.most.load(Ordering::SeqCst), 8);
}

#[tokio::test]
async fn a_refused_credential_is_sent_once() {
    let fake = Fake::new(|_, _| Answer { status: Some(401), ..Answer::new(Standing::Unauthorized) });
    let (rows, ending) = ran(addresses(100), &fake, &quick()).await;
    assert!(rows.is_empty());
    assert!(matches!(ending.early, Some(Why::Unauthorized(_))), "{ending:?}");
    assert_eq!(ending.requests, 1);
}

#[tokio::test]
async fn who_was_asked_to_wait_waits_and_is_asked_again() {
    let wait = Duration::from_millis(300);
    let fake = Fake::new(move |address, number| match (address, number) {
        ("u5@contoso.com", 1) => Answer { wait: Some(wait), ..Answer::new(Standing::Throttled) },
        _ => open(),
    });
    let (rows, ending) = ran(addresses(40), &fake, &quick()).await;
    assert_eq!((rows.len(), ending.requests, ending.refused_for_rate), (40, 41, 1));
    let again = rows.iter().find(|row| &*row.mailbox.address == "u5@contoso.com").expect("a row");
    assert_eq!((again.attempts, again.answer.standing), (2, Standing::Open));
    let order = fake.order.lock().expect("whole");
    let times: Vec<Instant> = order.iter().map(|(_, at)| *at).collect();
    let longest = times.windows(2).map(|pair| pair[1].duration_since(pair[0])).max();
    assert!(longest >= Some(Duration::from_millis(290)), "nobody waited: {longest:?}");
}

#[tokio::test]
async fn one_that_always_throttles_becomes_a_row_and_not_a_loop() {
    let wait = Duration::from_millis(5);
    let fake = Fake::new(move |address, _| match address {
        "u5@contoso.com" => Answer { wait: Some(wait), ..Answer::new(Standing::Throttled) },
        _ => open(),
    });
    let (rows, ending) = ran(addresses(20), &fake, &quick()).await;
    assert_eq!((rows.len(), ending.early), (20, None));
    let row = rows.iter().find(|row| &*row.mailbox.address == "u5@contoso.com").expect("a row");
    assert_eq!((row.answer.standing, row.attempts), (Standing::Throttled, PATIENCE));
}

#[tokio::test]
async fn rising_refusals_stop_the_run() {
    let fake = Fake::new(|address, _| {
        let number: usize = address[1..].split('@').next().and_then(|n| n.parse().ok()).expect("a number");
        if number < 200 { open() } else { Answer { status: Some(403), ..Answer::new(Standing::Denied) } }
    });
    let (rows, ending) = ran(addresses(10_000), &fake, &quick()).await;
    let Some(Why::Refusals(alarm)) = ending.early else { panic!("{ending:?}") };
    assert!(alarm.some_opened && alarm.refused == 51, "{alarm:?}");
    assert!(rows.len() < 300, "{}", rows.len());
}

#[tokio::test]
async fn refusals_that_were_declared_do_not_stop_it() {
    let fake = Fake::new(|_, _| Answer { status: Some(403), ..Answer::new(Standing::Denied) });
    let outside = stream::iter((0..300).map(|at| {
        let address = format!("u{at}@contoso.com").into();
        Ok(Mailbox { address, declared: Declared::Outside })
    }));
    let (rows, ending) = ran(outside, &fake, &quick()).await;
    assert_eq!((rows.len(), ending.early), (300, None));
}

#[tokio::test]
async fn a_failing_service_ends_the_run_after_its_patience() {
    let fake = Fake::new(|_, _| Answer { status: Some(503), ..Answer::new(Standing::Failed) });
    let options = Options { patience: Duration::from_millis(100), ..quick() };
    let (_, ending) = ran(addresses(100), &fake, &options).await;
    assert!(matches!(ending.early, Some(Why::Failing(_))), "{ending:?}");
    assert!(ending.requests < 5, "{ending:?}");
}

#[tokio::test]
async fn one_failing_mailbox_is_tried_again_and_holds_nobody_up() {
    let fake = Fake::new(|address, number| match (address, number) {
        ("u3@contoso.com", 1 | 2) => Answer { status: Some(500), ..Answer::new(Standing::Failed) },
        _ => open(),
    });
    let (rows, ending) = ran(addresses(20), &fake, &quick()).await;
    assert_eq!((rows.len(), ending.early, ending.requests), (20, None, 22));
    assert_eq!(rows.last().map(|row| (&*row.mailbox.address, row.attempts)), Some(("u3@contoso.com", 3)));
}

#[tokio::test]
async fn a_list_that_breaks_says_so_and_what_was_under_way_is_counted() {
    let broken = stream::iter([Ok(mailbox("a@contoso.com")), Err(Absence::new(Reason::Unreachable))]);
    let fake = Fake::new(|_, _| open());
    let (rows, ending) = ran(broken, &fake, &quick()).await;
    assert!(matches!(ending.early, Some(Why::List(_))), "{ending:?}");
    assert_eq!(u64::try_from(rows.len()).expect("few") + ending.left, 1);
}

#[tokio::test]
async fn whoever_stops_gets_no_more_rows() {
    let (fake, options) = (Fake::new(|_, _| open()), quick());
    let stop = CancellationToken::new();
    let mut rows = 0;
    let ending = run(addresses(1000), fake, &options, &stop, |_| {
        rows += 1;
        if rows == 10 {
            stop.cancel();
        }
        ControlFlow::Continue(())
    });
    assert_eq!(ending.await.early, Some(Why::Stopped));
    assert!(rows < 100, "{rows}");
}
