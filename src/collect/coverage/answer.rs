//! What goes in and what comes out: mailboxes, what they said, rows.

use std::time::Duration;

/// Whether the mailbox lies in what the identity was granted, as the directory tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Declared {
    /// It does.
    Inside,
    /// It does not.
    Outside,
    /// Nobody could tell.
    #[default]
    Unknown,
}

impl Declared {
    /// As in the rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Outside => "outside",
            Self::Unknown => "unknown",
        }
    }
}

/// One mailbox to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// Its address.
    pub address: Box<str>,
    /// What the directory says of it.
    pub declared: Declared,
}

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// The mailbox was opened.
    Open,
    /// The identity may not open it.
    Denied,
    /// It cannot be opened, whoever asks: not there, another name, switched off.
    Faulty,
    /// The service asked to back off.
    Throttled,
    /// The service failed, did not answer, or answered something unreadable: nothing is known.
    Failed,
    /// The credential itself was refused.
    Unauthorized,
}

impl Standing {
    /// As `proven` in the rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Denied => "denied",
            Self::Faulty => "faulty",
            Self::Throttled => "throttled",
            Self::Failed => "failed",
            Self::Unauthorized => "unauthorized",
        }
    }

    /// Every standing, for whoever reads rows.
    pub const ALL: [Self; 6] =
        [Self::Open, Self::Denied, Self::Faulty, Self::Throttled, Self::Failed, Self::Unauthorized];

    /// The standing of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.as_str() == name)
    }

    /// It says something about the mailbox for good.
    pub fn is_definite(self) -> bool {
        matches!(self, Self::Open | Self::Denied | Self::Faulty)
    }
}

/// What became of a question for one mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// How it ended.
    pub standing: Standing,
    /// HTTP status; `None`: no answer came.
    pub status: Option<u16>,
    /// Error code of the service; `None` on success and where none was told.
    pub code: Option<Box<str>>,
    /// What the service, or the failure, said; `None` on success.
    pub text: Option<Box<str>>,
    /// Address that the service names instead.
    pub suggested: Option<Box<str>>,
    /// How long the service asked to wait.
    pub wait: Option<Duration>,
    /// It was the number of requests at the same time, not their rate.
    pub too_many_at_once: bool,
}

impl Answer {
    /// An answer without particulars.
    pub fn new(standing: Standing) -> Self {
        Self {
            standing,
            status: None,
            code: None,
            text: None,
            suggested: None,
            wait: None,
            too_many_at_once: false,
        }
    }
}

/// Asks for one mailbox, once, without patience of its own: pauses are for the machine to make.
pub trait Prober: Send + Sync + 'static {
    /// Asks. A token that ran out is renewed in here; `Unauthorized` means that there is no other.
    fn probe(&self, address: &str) -> impl Future<Output = Answer> + Send;
}

/// What is known of one mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// What it said last.
    pub answer: Answer,
    /// Milliseconds that this answer took.
    pub ms: u64,
    /// When it came.
    pub at: jiff::Timestamp,
    /// How often it was asked.
    pub attempts: u32,
}
