//! Journals to index, and indexes of them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use toolgate_index::{Event, Index, Options, Search};
use toolgate_journal::{Journal, Kind, Latency, Outcome, Record, Urgency};

/// 2026-11-22T10:00:00Z, in microseconds.
pub(crate) const NOW: i64 = 1_795_341_600_000_000;
pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const HOUR: i64 = 3600 * SECOND;

/// Options that make the index quick to follow, with batches small enough for calls to be torn apart.
pub(crate) fn options(directory: &Path) -> Options {
    let mut options = Options::new(directory);
    options.interval = Duration::from_millis(5);
    options.pause = Duration::ZERO;
    options.batch_records = 50;
    options
}

pub(crate) fn start(options: Options) -> Index {
    Index::start(options, Arc::new(|| NOW)).unwrap()
}

/// Starts an index and waits until it holds the whole journal.
pub(crate) async fn follow(directory: &Path) -> Index {
    let index = start(options(directory));
    catch_up(&index, directory).await;
    index
}

pub(crate) async fn catch_up(index: &Index, directory: &Path) {
    let last = toolgate_journal::last_seq(directory).unwrap();
    let reached = tokio::time::timeout(Duration::from_secs(60), index.reached(last)).await;
    assert_eq!(reached, Ok(true), "{:?}", index.status());
}

/// Opens a journal without a low-water mark, with small segments.
pub(crate) fn open_journal(directory: &Path, change: impl FnOnce(&mut toolgate_journal::Options)) -> Journal {
    let mut options = toolgate_journal::Options::new(directory, "node-1");
    options.low_water_bytes = 0;
    options.rotate_bytes = 50_000;
    change(&mut options);
    Journal::open(&options, NOW, None).unwrap().0
}

/// All events that match, newest first, page by page.
pub(crate) async fn all(index: &Index, search: &Search, limit: usize) -> Vec<Event> {
    let (mut events, mut cursor) = (Vec::new(), None);
    loop {
        let page = index.search(search, limit, cursor.as_ref()).await.unwrap();
        assert!(page.events.len() <= limit);
        assert!(page.events.len() == limit || page.next.is_none(), "a page in the middle is full");
        events.extend(page.events);
        cursor = page.next;
        if cursor.is_none() {
            return events;
        }
    }
}

/// Calls and other records as a gateway writes them: outcomes come later and in another order, requests
/// hold several calls, and the clock jumps.
#[derive(Debug)]
pub(crate) struct Traffic {
    state: u64,
    pub(crate) ts: i64,
    /// Most microseconds between two records.
    pub(crate) gap: u64,
    requests: u64,
    open: Vec<(String, u64, u64, u64)>,
}

impl Traffic {
    pub(crate) fn new(seed: u64) -> Traffic {
        Traffic { state: seed | 1, ts: NOW - 48 * HOUR, gap: 2_000_000, requests: 0, open: Vec::new() }
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) % end
    }

    /// Appends so many records.
    pub(crate) fn write(&mut self, journal: &Journal, records: usize) {
        for _ in 0..records {
            self.ts += i64::try_from(self.below(self.gap)).unwrap();
            match self.below(100) {
                0 => self.note(journal, Kind::Reload),
                1 => self.note(journal, Kind::Grant),
                2 => self.refused(journal),
                3..50 => self.decision(journal),
                _ if self.open.is_empty() => self.decision(journal),
                _ => self.outcome(journal),
            }
        }
        journal.flush().unwrap();
    }

    fn note(&mut self, journal: &Journal, kind: Kind) {
        let long = "a detail ".repeat(usize::try_from(self.below(40)).unwrap());
        let grant = format!("grant-{}", self.below(4));
        append(
            journal,
            &Record { ts: self.ts, kind, grant: Some(&grant), detail: Some(&long), ..Record::default() },
        );
    }

    fn refused(&mut self, journal: &Journal) {
        let client = format!("10.0.0.{}", self.below(9));
        let count = Some(self.below(50) + 1);
        let kind = Kind::Refused;
        append(
            journal,
            &Record {
                ts: self.ts,
                kind,
                client: Some(&client),
                count,
                detail: Some("token"),
                ..Record::default()
            },
        );
    }

    fn decision(&mut self, journal: &Journal) {
        // Often the next call of the same request.
        self.requests += u64::from(self.below(4) > 0);
        let request = format!("c0ffee-{:x}", self.requests);
        let (grant, server, tool) = (self.below(4), self.below(3), self.below(5));
        let outcome = match self.below(10) {
            0..2 => Outcome::Deny,
            2 => Outcome::ShadowDeny,
            3 => Outcome::Pending,
            _ => Outcome::Allow,
        };
        let rule = (outcome == Outcome::Deny).then(|| format!("/rules/{}", self.below(3)));
        let names = names(grant, server, tool);
        let record = Record {
            rule: rule.as_deref(),
            policy: Some("standard"),
            client: Some("192.0.2.7"),
            ..call(&names)
        };
        append(
            journal,
            &Record { ts: self.ts, outcome: Some(outcome), request_id: Some(&request), ..record },
        );
        if outcome != Outcome::Deny {
            self.open.push((request, grant, server, tool));
        }
    }

    fn outcome(&mut self, journal: &Journal) {
        let some = usize::try_from(self.below(self.open.len() as u64)).unwrap();
        let (request, grant, server, tool) = self.open.swap_remove(some);
        let outcome = match self.below(10) {
            0 => Outcome::Error,
            1 => Outcome::ToolError,
            2 => Outcome::Cancelled,
            3 => Outcome::Unreached,
            _ => Outcome::Ok,
        };
        let upstream = (outcome != Outcome::Unreached).then(|| self.below(3_000_000));
        let latency = Some(Latency { gateway: self.below(900), upstream });
        let names = names(grant, server, tool);
        let record = Record { kind: Kind::Outcome, latency, ..call(&names) };
        append(
            journal,
            &Record { ts: self.ts, outcome: Some(outcome), request_id: Some(&request), ..record },
        );
    }
}

fn names(grant: u64, server: u64, tool: u64) -> [String; 3] {
    [format!("grant-{grant}"), format!("server-{server}"), format!("tool-{tool}")]
}

fn call([grant, server, tool]: &[String; 3]) -> Record<'_> {
    // The last tool stands for calls of another method, which have none.
    let is_tool = tool != "tool-4";
    Record {
        grant: Some(grant),
        server: Some(server),
        method: Some(if is_tool { "tools/call" } else { "resources/read" }),
        tool: is_tool.then_some(tool.as_str()),
        ..Record::default()
    }
}

fn append(journal: &Journal, record: &Record<'_>) {
    journal.append(record, Urgency::Soon).unwrap();
}
