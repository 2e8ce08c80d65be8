//! Every recorded call of the original server, made again against the fakes. What differs is collected, and must be
//! exactly what the table in this crate's README says, line by line.

mod differences;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use imagegen_mcp::fake_vendors::Vendor;
use serde_json::Value;

use crate::faked::Faked;
use crate::harness::{call, text};

/// Relative to this crate; present in some checkouts only.
const RECORDED: &str = "../../../shared/data/imagegen-wire-probe.json";
const TABLE_BEGINS: &str = "<!-- differences from the original: checked by a test -->";

/// What the fakes must do for one recorded call, and what its error must still say.
struct Replay {
    vendor: Vendor,
    /// The vendor's key with its twists.
    key: &'static str,
    /// Words of the vendor that an error keeps.
    keeps: &'static [&'static str],
}

const fn replay(vendor: Vendor, key: &'static str, keeps: &'static [&'static str]) -> Replay {
    Replay { vendor, key, keeps }
}

use Vendor::{Custom, Gemini, OpenAi, Replicate};

/// One for each recorded call, in its order.
const REPLAYS: [Replay; 28] = [
    replay(Replicate, "r8_fake:string", &[]),
    replay(Replicate, "r8_fake:string", &[]),
    replay(Replicate, "r8_fake:array", &[]),
    replay(Replicate, "r8_fake", &["qwen-image", "owner/name"]),
    replay(Replicate, "r8_fake:short-version,string", &[]),
    replay(Replicate, "r8_fake:polls=3", &[]),
    replay(Replicate, "r8_fake:hold", &[]),
    replay(Replicate, "r8_fake:canceled", &["canceled"]),
    replay(Replicate, "r8_fake:nsfw", &["E005"]),
    replay(Replicate, "r8_unknown", &["401", "You did not pass a valid authentication token"]),
    replay(Replicate, "r8_fake:throttle-body=30,always", &["429", "resets in ~30s"]),
    replay(Replicate, "r8_fake:not-found", &["404", "Not Found"]),
    replay(Replicate, "r8_fake", &[]),
    replay(Replicate, "r8_fake", &[]),
    replay(OpenAi, "sk-fake", &[]),
    replay(OpenAi, "sk-fake", &["gpt-image-1"]),
    replay(OpenAi, "sk-fake", &["dall-e-3"]),
    replay(OpenAi, "sk-fake", &[]),
    replay(OpenAi, "sk-fake:status=429", &["429", "Rate limit"]),
    replay(OpenAi, "sk-fake", &[]),
    replay(Gemini, "AIza-fake", &[]),
    replay(Gemini, "AIza-fake", &[]),
    replay(Gemini, "AIza-fake:text", &["no can do"]),
    replay(Gemini, "AIza-fake:no-candidates", &["no candidates"]),
    replay(Gemini, "AIza-unknown", &["400", "INVALID_ARGUMENT", "API key not valid"]),
    replay(Gemini, "AIza-fake", &[]),
    replay(Custom, "AIza-fake", &[]),
    replay(Custom, "AIza-fake:status=500", &["500", "boom"]),
];

#[tokio::test(start_paused = true)]
async fn every_recorded_call_differs_only_as_the_readme_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDED);
    let Ok(recorded) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: `{}` is not here, so the recorded calls were NOT made again", path.display());
        return;
    };
    let recorded: Value = serde_json::from_str(&recorded).unwrap();
    let cases = recorded["cases"].as_array().unwrap();
    assert_eq!(cases.len(), REPLAYS.len());
    let mut seen: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for (number, (case, replay)) in (1..).zip(cases.iter().zip(REPLAYS)) {
        for difference in again(number, case, &replay).await {
            seen.entry(difference).or_default().insert(number);
        }
    }
    let told = table();
    if told != seen {
        let rows = seen.iter().map(|(difference, cases)| format!("| {difference} | {} | |", numbers(cases)));
        panic!(
            "the README's table is not what was seen.\nonly told: {:#?}\nseen:\n{}",
            told.iter()
                .filter(|(difference, cases)| seen.get(*difference) != Some(cases))
                .collect::<Vec<_>>(),
            rows.collect::<Vec<_>>().join("\n")
        );
    }
}

/// Makes one recorded call again.
async fn again(number: usize, case: &Value, replay: &Replay) -> BTreeSet<String> {
    let key = match replay.vendor {
        Replicate => "REPLICATE_API_TOKEN",
        OpenAi => "OPENAI_API_KEY",
        _ => "GOOGLE_API_KEY",
    };
    // Addresses are the fakes' own; all else is as it was recorded.
    let recorded = case["env"].as_object().unwrap().iter();
    let mut variables: Vec<_> = recorded
        .filter(|(name, _)| !name.ends_with("_URL") && !name.ends_with("_ENDPOINT"))
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    variables.push((key, replay.key));
    let faked = Faked::of(replay.vendor, &variables).await;
    let tool = case["tool"].as_str().unwrap();
    let result = call(&faked.client, tool, case["arguments"].clone()).await.unwrap();
    let told = text(&result);
    for kept in replay.keeps {
        assert!(told.contains(kept), "call {number}: `{kept}` is lost in: {told}");
    }
    faked.assert_clean();
    assert!(!told.contains(replay.key), "call {number} tells the key: {told}");
    differences::between(case, &result, &faked.ledger.requests())
}

/// The README's table: each difference with the numbers of its calls.
fn table() -> BTreeMap<String, BTreeSet<usize>> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, after) = readme.split_once(TABLE_BEGINS).unwrap_or_default();
    let rows = after.trim_start().lines().take_while(|line| line.starts_with('|')).skip(2);
    let row = |line: &str| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert!(cells.len() == 3 && !cells[2].is_empty(), "no defect is named in `{line}`");
        (cells[0].to_owned(), cells[1].split(", ").flat_map(range).collect())
    };
    rows.map(row).collect()
}

/// `3` or `5-8`.
fn range(text: &str) -> std::ops::RangeInclusive<usize> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    first.parse().unwrap()..=last.parse().unwrap()
}

/// The shortest way to write these numbers that [`range`] reads.
fn numbers(cases: &BTreeSet<usize>) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &case in cases {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == case => *last = case,
            _ => runs.push((case, case)),
        }
    }
    let run = |(first, last): &(usize, usize)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    runs.iter().map(run).collect::<Vec<_>>().join(", ")
}
