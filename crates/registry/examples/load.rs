//! Measures the catalogue: makes a dump of so many tools by variation of definitions from files, imports it, and asks.
//! `cargo run --release -p toolgate-registry --example load -- 515000 45000 DIRECTORY FILE.jsonl…`
//!
//! The files hold rows `{server, tool, description, input_schema, annotations}`. The dump is kept in the directory and
//! used again.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it prints what it measures, and measures with the real clock"
)]

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use toolgate_catalog::{Category, Label, Severity};
use toolgate_registry::{Catalog, Dump, ImportOptions, Search, Transport, import};

/// Words that make a variation differ from its model.
const NOUNS: [&str; 24] = [
    "account",
    "archive",
    "batch",
    "billing",
    "branch",
    "campaign",
    "channel",
    "contact",
    "dataset",
    "device",
    "draft",
    "event",
    "folder",
    "invoice",
    "ledger",
    "node",
    "order",
    "pipeline",
    "profile",
    "region",
    "report",
    "session",
    "ticket",
    "workspace",
];
/// Questions that are asked.
const QUESTIONS: usize = 3000;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let tools: usize = arguments.next().context("how many tools?")?.parse()?;
    let servers: usize = arguments.next().context("how many servers?")?.parse()?;
    let directory = PathBuf::from(arguments.next().context("which directory?")?);
    let models = models(&arguments.map(PathBuf::from).collect::<Vec<_>>())?;
    std::fs::create_dir_all(&directory)?;
    let dump = directory.join(format!("dump-{servers}-{tools}.jsonl"));
    if !dump.exists() {
        make(&dump, &models, (servers, tools))?;
    }
    for name in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        match std::fs::remove_file(directory.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
    }
    for round in ["import", "the same again"] {
        read_in(&dump, &directory, round)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(ask(&directory, &models))
}

fn read_in(dump: &Path, directory: &Path, round: &str) -> anyhow::Result<()> {
    let options = ImportOptions { data_directory: directory.to_owned(), server: None, threads: 0, now: 1 };
    let (started, before) = (Instant::now(), processor_time()?);
    let summary = import(&Dump::File(dump.to_owned()), &options, &mut |_| {})?;
    let (wall, busy) = (started.elapsed().as_secs_f64(), processor_time()? - before);
    println!(
        "{round}: {:?}, {} bad, {wall:.1} s by the clock, {busy:.1} s of processors",
        summary.tally, summary.bad
    );
    for problem in summary.problems {
        println!("  line {}: {}", problem.line, problem.problem);
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    for line in status.lines().filter(|line| line.starts_with("VmHWM")) {
        println!("  memory at most so far: {}", line.trim_start_matches("VmHWM:").trim());
    }
    let bytes = std::fs::metadata(directory.join("catalog.db"))?.len();
    println!("  catalog.db: {} MB; dump: {} MB", bytes / 1_000_000, dump.metadata()?.len() / 1_000_000);
    Ok(())
}

/// Seconds that processors worked for this process.
fn processor_time() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(11) + ticks(12)) / 100.0)
}

/// The rows of files that variations are made of.
fn models(files: &[PathBuf]) -> anyhow::Result<Vec<Value>> {
    let mut models = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        models.extend(text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()));
    }
    ensure!(!models.is_empty(), "name files with rows to make variations of");
    Ok(models)
}

/// Writes servers, then tools of them.
fn make(dump: &Path, models: &[Value], (servers, tools): (usize, usize)) -> anyhow::Result<()> {
    let mut out = BufWriter::new(File::create(dump)?);
    for number in 0..servers {
        let name = server_name(number);
        let transport = ["stdio", "streamable-http", "sse"].get(number % 3).copied().unwrap_or("stdio");
        let noun = NOUNS.get(number % NOUNS.len()).copied().unwrap_or_default();
        let server = json!({"name": name, "version": format!("1.{}.0", number % 40), "description":
            format!("Works with every {noun} of the service number {number}"),
            "packages": [{"registryType": "npm", "identifier": format!("pkg-{number}"), "transport": {"type": transport}}]});
        writeln!(out, "{}", json!({"server": server}))?;
    }
    for number in 0..tools {
        let Some(model) = models.get(number % models.len()) else { continue };
        let (mut row, round) = (model.clone(), number / models.len());
        let noun = NOUNS.get(round % NOUNS.len()).copied().unwrap_or_default();
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (tool, description) = (text("tool"), text("description"));
        if let Some(row) = row.as_object_mut() {
            row.insert("server".into(), server_name((number * 7919) % servers).into());
            row.insert("tool".into(), format!("{tool}_{noun}_{number}").into());
            row.insert("description".into(), format!("{description} For the {noun} of kind {round}.").into());
        }
        writeln!(out, "{row}")?;
    }
    Ok(out.flush()?)
}

fn server_name(number: usize) -> String {
    let noun = NOUNS.get((number / 7) % NOUNS.len()).copied().unwrap_or_default();
    format!("com.example-{}/{noun}-{number}", number % 977)
}

async fn ask(directory: &Path, models: &[Value]) -> anyhow::Result<()> {
    let catalog = Catalog::open(directory).await?;
    println!("{:?}", catalog.size().await?);
    for (name, searches) in questions(models) {
        let (mut times, mut found, mut slowest) = (Vec::new(), 0_usize, (Duration::ZERO, String::new()));
        for search in &searches {
            let started = Instant::now();
            found += catalog.tools(search, 20, None).await?.items.len();
            let took = started.elapsed();
            if took > slowest.0 {
                slowest = (took, format!("{search:?}"));
            }
            times.push(took);
        }
        times.sort_unstable();
        let at = |share: usize| {
            times.get((times.len() * share / 1000).min(times.len() - 1)).copied().unwrap_or_default()
        };
        println!(
            "{name}: {} questions, {found} hits, p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms; slowest {:.1} ms: {}",
            times.len(),
            millis(at(500)),
            millis(at(990)),
            millis(at(999)),
            millis(slowest.0),
            slowest.1
        );
    }
    catalog.close().await;
    Ok(())
}

/// Questions of each sort, from the models' own words.
fn questions(models: &[Value]) -> Vec<(&'static str, Vec<Search>)> {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let base = Search::default;
    let mut of = |make: &dyn Fn(&mut Dice, &str, &str) -> Search| -> Vec<Search> {
        let mut one = || {
            let model = models.get(dice.below(models.len()))?;
            let text = |name: &str| model.get(name).and_then(Value::as_str).unwrap_or_default();
            let (tool, description) = (text("tool"), text("description"));
            Some(make(&mut dice, tool, description))
        };
        (0..QUESTIONS).filter_map(|_| one()).collect()
    };
    vec![
        ("first word of a name", of(&|_, tool, _| Search { words: word(tool, 0), ..base() })),
        ("a whole name", of(&|_, tool, _| Search { words: tool.to_owned(), ..base() })),
        (
            "a beginning of 2 to 5 letters",
            of(&|dice, tool, _| {
                let letters = 2 + dice.below(4);
                let start: String = word(tool, 0).chars().take(letters).collect();
                Search { words: format!("{start}*"), ..base() }
            }),
        ),
        (
            "two words of a description",
            of(&|dice, _, text| {
                let (a, b) = (dice.below(12), dice.below(12));
                Search { words: format!("{} {}", word(text, a), word(text, b)), ..base() }
            }),
        ),
        (
            "words that seldom meet",
            of(&|dice, tool, text| {
                let noun = NOUNS.get(dice.below(NOUNS.len())).copied().unwrap_or_default();
                Search { words: format!("{noun} {} {}", word(text, 3), word(tool, 1)), ..base() }
            }),
        ),
        (
            "a word, narrowed",
            of(&|dice, tool, _| Search {
                words: word(tool, 0),
                category: Category::ALL.get(dice.below(5)).copied(),
                severity: Some(dice.below(6)).and_then(|n| Severity::ALL.get(n).copied()),
                label: Some(dice.below(16)).and_then(|n| Label::ALL.get(n).copied()),
                transport: Some(dice.below(6)).and_then(|n| Transport::ALL.get(n).copied()),
                ..base()
            }),
        ),
        (
            "the tools of a server",
            of(&|dice, _, _| Search { server: Some(server_name(dice.below(40_000))), ..base() }),
        ),
    ]
}

fn word(text: &str, at: usize) -> String {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.get(at % words.len().max(1)).copied().unwrap_or("get").to_owned()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Numbers without order, the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).unwrap_or(0)
    }
}
