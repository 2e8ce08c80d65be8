//! Measures the index: makes a journal of so many records, ships it, and asks.
//! `cargo run --release -p toolgate-index --example load -- 1000000 [DIRECTORY]`
//!
//! With a directory, the journal in it is kept and used again if it is there.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it prints what it measures, and measures with the real clock"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, ensure};
use toolgate_index::{By, Clock, Index, Options, Plot, Scope, Search, Step};
use toolgate_journal::{Journal, Kind, Latency, Limit, Outcome, Record, Urgency};

const GRANTS: u64 = 40;
const SERVERS: u64 = 12;
const TOOLS: u64 = 20;
const DAYS: i64 = 30;
const MICROS: i64 = 1_000_000;
const DAY: i64 = 86_400 * MICROS;
/// Questions asked of each sort, of which the slowest is told.
const ROUNDS: usize = 5;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let records: u64 = arguments.next().context("how many records?")?.parse()?;
    let kept = arguments.next().map(PathBuf::from);
    let temporary = tempfile::tempdir()?;
    let directory = kept.as_deref().unwrap_or(temporary.path());
    let end = now();
    let begin = end - DAYS * DAY;
    if toolgate_journal::last_seq(directory).unwrap_or(0) == 0 {
        let started = Instant::now();
        make_journal(directory, records, begin)?;
        println!("journal: {records} records made in {:.1} s", started.elapsed().as_secs_f64());
    }
    let last = toolgate_journal::last_seq(directory)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(measure(directory, last))
}

async fn measure(directory: &Path, last: u64) -> anyhow::Result<()> {
    let options = Options::new(directory);
    if options.file().exists() {
        std::fs::remove_file(options.file())?;
    }
    let clock: Clock = Arc::new(now);
    let started = Instant::now();
    let index = Index::start(options.clone(), clock)?;
    while !tokio::time::timeout(Duration::from_secs(10), index.reached(last)).await.unwrap_or(false) {
        let status = index.status();
        ensure!(status.trouble.is_none(), "{status:?}");
        println!("  {} of {last} after {:.0} s", status.indexed_seq, started.elapsed().as_secs_f64());
    }
    let seconds = started.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate to be read")]
    let (rate, bytes) = (last as f64 / seconds, std::fs::metadata(options.file())?.len() as f64 / 1e6);
    println!("shipped: {last} records in {seconds:.1} s: {rate:.0} records/s; index.db {bytes:.0} MB");
    searches(&index).await?;
    plots(&index).await?;
    index.stop().await;
    Ok(())
}

/// Searches of each sort: frequent, rare, and rare among the frequent.
fn cases() -> Vec<(&'static str, Search)> {
    let base = Search::default;
    let text = |text: &str| Some(text.to_owned());
    let end = now();
    vec![
        ("nothing", base()),
        ("frequent grant", Search { grant: text("grant-0"), ..base() }),
        ("rare grant", Search { grant: text("grant-39"), ..base() }),
        ("grant of last month only", Search { grant: text("former"), ..base() }),
        ("frequent and rare", Search { grant: text("grant-0"), rule: text("/rules/19"), ..base() }),
        (
            "both frequent, never together",
            Search { server: text("server-0"), tool: text("tool-1-0"), ..base() },
        ),
        ("denials", Search { decision: text("deny"), ..base() }),
        ("errors of a rare tool", Search { outcome: text("error"), tool: text("tool-11-19"), ..base() }),
        ("a kind", Search { kind: text("reload"), ..base() }),
        ("one request", Search { request_id: text("ab12cd34ef56-ff"), ..base() }),
        (
            "a week, two weeks ago",
            Search { from: Some(end - 21 * DAY), until: Some(end - 14 * DAY), ..base() },
        ),
        (
            "a week, a grant, denials",
            Search {
                from: Some(end - 21 * DAY),
                until: Some(end - 14 * DAY),
                grant: text("grant-3"),
                decision: text("deny"),
                ..base()
            },
        ),
        (
            "a minute, all that was allowed",
            Search {
                from: Some(end - 20 * DAY),
                until: Some(end - 20 * DAY + 60 * MICROS),
                decision: text("allow"),
                ..base()
            },
        ),
        ("a name that is nowhere", Search { tool: text("nowhere"), ..base() }),
    ]
}

async fn searches(index: &Index) -> anyhow::Result<()> {
    for (name, search) in cases() {
        for limit in [100, 500] {
            let (mut slowest, mut found, mut second) = (Duration::ZERO, 0, Duration::ZERO);
            for _ in 0..ROUNDS {
                let started = Instant::now();
                let page = index.search(&search, limit, None).await?;
                slowest = slowest.max(started.elapsed());
                found = page.events.len();
                if let Some(next) = page.next {
                    let started = Instant::now();
                    index.search(&search, limit, Some(&next)).await?;
                    second = second.max(started.elapsed());
                }
            }
            println!(
                "search, {name}, {limit} a page: {found} found, first page {:.1} ms, second {:.1} ms",
                millis(slowest),
                millis(second)
            );
        }
    }
    Ok(())
}

async fn plots(index: &Index) -> anyhow::Result<()> {
    let until = now();
    let from = until - DAYS * DAY;
    let text = |text: &str| Some(text.to_owned());
    let cases = [
        ("all", By::All, Scope::default()),
        ("by server", By::Server, Scope::default()),
        ("by tool", By::Tool, Scope::default()),
        ("by grant", By::Grant, Scope::default()),
        ("by decision", By::Decision, Scope::default()),
        ("tools of a grant", By::Tool, Scope { grant: text("grant-0"), ..Scope::default() }),
        ("grants of a tool", By::Grant, Scope { tool: text("tool-0-0"), ..Scope::default() }),
        (
            "each tool of each grant at a server",
            By::GrantTool,
            Scope { server: text("server-0"), ..Scope::default() },
        ),
    ];
    for (name, by, scope) in cases {
        for step in [Step::Hour, Step::Day] {
            let plot = Plot { by, scope: scope.clone(), from, until, step, lines: 10 };
            let (mut slowest, mut points) = (Duration::ZERO, 0);
            for _ in 0..ROUNDS {
                let started = Instant::now();
                let chart = index.plot(&plot).await?;
                slowest = slowest.max(started.elapsed());
                points = chart.lines.iter().map(|line| line.points.len()).sum();
            }
            println!("plot, {name}, by {step:?}: {points} points, {:.1} ms", millis(slowest));
        }
    }
    for by in [By::Tool, By::Grant, By::GrantTool] {
        let started = Instant::now();
        let rows = index.usage(by, &Scope::default(), from).await?.len();
        println!("usage {by:?}: {rows} rows, {:.1} ms", millis(started.elapsed()));
    }
    Ok(())
}

/// Calls over 30 days, a few of everything frequent and most rare.
fn make_journal(directory: &Path, records: u64, begin: i64) -> anyhow::Result<()> {
    let mut options = toolgate_journal::Options::new(directory, "node-1");
    options.low_water_bytes = 0;
    let (journal, _) = Journal::open(&options, begin, None)?;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    #[expect(clippy::cast_possible_wrap, reason = "far below the largest number")]
    let step = (DAYS * DAY / (records as i64 / 2).max(1)).max(1);
    let (mut ts, mut call) = (begin, 0_u64);
    while journal.last_seq() < records {
        ts += step;
        call += 1;
        append_call(&journal, &mut dice, ts, call)?;
        if call.is_multiple_of(5000) {
            let note =
                Record { ts, kind: Kind::Reload, detail: Some("policy read again"), ..Record::default() };
            journal.append(&note, Urgency::Soon)?;
        }
        if call.is_multiple_of(64) {
            journal.flush()?;
        }
    }
    journal.close(ts, None)?;
    Ok(())
}

fn append_call(journal: &Journal, dice: &mut Dice, ts: i64, call: u64) -> anyhow::Result<()> {
    let (server, tool) = (dice.skewed(SERVERS), dice.skewed(TOOLS));
    let names = (format!("server-{server}"), format!("tool-{server}-{tool}"));
    let grant = if call < 200 { "former".to_owned() } else { format!("grant-{}", dice.skewed(GRANTS)) };
    let request = format!("ab12cd34ef56-{call:x}");
    let denied = dice.below(10) == 0;
    let rule = format!("/rules/{}", if denied { dice.skewed(20) } else { server });
    let record = Record {
        ts,
        kind: Kind::Decision,
        request_id: Some(&request),
        session: Some("5e55104e5e55104e"),
        client: Some("10.1.2.3"),
        grant: Some(&grant),
        server: Some(&names.0),
        method: Some("tools/call"),
        tool: Some(&names.1),
        outcome: Some(if denied { Outcome::Deny } else { Outcome::Allow }),
        rule: Some(&rule),
        policy: Some("standard"),
        policy_version: Some("0123456789abcdef"),
        definition_hash: Some("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        argument_names: Some(&["path", "query"]),
        arguments_hmac: Some("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        limits: &[Limit { counter: "calls", amount: "1", scope: "grant" }],
        ..Record::default()
    };
    journal.append(&record, Urgency::Soon)?;
    if denied {
        return Ok(());
    }
    let outcome = match dice.below(100) {
        0..=1 => Outcome::Error,
        2..=4 => Outcome::ToolError,
        5 => Outcome::Cancelled,
        _ => Outcome::Ok,
    };
    let upstream = 2_000 + dice.below(1000) * dice.below(1000);
    let ended = Record {
        ts: ts + 500,
        kind: Kind::Outcome,
        outcome: Some(outcome),
        latency: Some(Latency { gateway: 100 + dice.below(200), upstream: Some(upstream) }),
        rule: None,
        policy: None,
        policy_version: None,
        definition_hash: None,
        argument_names: None,
        arguments_hmac: None,
        limits: &[],
        client: None,
        session: None,
        ..record
    };
    journal.append(&ended, Urgency::Soon)?;
    Ok(())
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    /// Small numbers often, large ones rarely.
    fn skewed(&mut self, end: u64) -> u64 {
        let (a, b) = (self.below(end), self.below(end));
        let c = self.below(end);
        a.min(b).min(c)
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
