//! Slips that say something and such that do not, and real names, which hardly ever look like each other.

use std::path::Path;

use proptest::prelude::*;

use super::*;

#[test]
fn slips_are_told_from_other_names() {
    use Slip::{Letter, Typing};
    for (one, other, expected) in [
        ("weather", "waether", Some(Typing)),
        ("weather", "weatherr", Some(Typing)),
        ("weather", "wweather", Some(Typing)),
        ("weather", "w3ather", Some(Typing)),
        ("weather", "weathor", Some(Letter)),
        ("weather", "weathe", Some(Letter)),
        ("weather", "weather", None),
        ("weather", "weathers", None),
        ("weather", "weather2", None),
        ("weather1", "weather2", None),
        ("weather-a", "weather-b", None),
        ("weather-mcp", "weathermcp", None),
        ("weather-mysql", "weather-mssql", None),
        ("weather", "leather-x", None),
        ("", "a", None),
    ] {
        assert_eq!(slip(one, other), expected, "{one} {other}");
        assert_eq!(slip(other, one), expected, "{other} {one}");
    }
}

#[test]
fn whose_a_namespace_is() {
    for (namespace, expected) in [
        ("io.github.someone", ("io.github.", "someone")),
        ("com.example", ("com", "example")),
        ("uk.co.example", ("uk", "co.example")),
        ("example", ("", "example")),
    ] {
        assert_eq!(owner(namespace), expected, "{namespace}");
    }
}

proptest! {
    /// Against the distance that textbooks define: no slip where it is not 1.
    #[test]
    fn a_slip_is_one_step(one in "[ab1-]{0,9}", other in "[ab1-]{0,9}") {
        if slip(&one, &other).is_some() {
            prop_assert_eq!(strsim::osa_distance(&one, &other), 1, "{} {}", one, other);
        }
    }

    #[test]
    fn plain_names_are_seen_as_all_names_are(text in "[ -~]{0,40}") {
        let whole = super::super::prototypes(&text.to_lowercase()).replace("rn", "m");
        prop_assert_eq!(super::super::seen(&text.to_lowercase()), whole);
    }
}

/// Each of the real servers' names beside all others.
#[test]
fn real_names_are_hardly_ever_alike() {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/real-tools-smithery.dev.jsonl");
    let Ok(text) = std::fs::read_to_string(&file) else {
        eprintln!("SKIPPED: `{}` is not there", file.display());
        return;
    };
    let rows = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let servers = rows.filter_map(|row| row.get("server")?.as_str().map(str::to_owned));
    let mut servers: Vec<String> = servers.filter(|name| name.starts_with('@')).collect();
    servers.sort();
    servers.dedup();
    assert!(servers.len() > 400, "{}", servers.len());
    let whole = |name: &str| Compared::new(&format!("io.github.{}", name.trim_start_matches('@')));
    let names: Vec<Compared> = servers.iter().map(|name| whole(name)).collect();
    let is_alike =
        |name: &Compared| names.iter().any(|other| !name.is(other) && name.server_trick(other).is_some());
    let alike = names.iter().filter(|name| is_alike(name)).count();
    assert_eq!(alike, 0, "of {}", names.len());
    // The same names with a slip in the publisher, where it is long enough to tell.
    let slipped = |name: &String| {
        let (publisher, last) = name.strip_prefix('@')?.split_once('/')?;
        let letters: Vec<char> = publisher.chars().collect();
        let is_long = letters.len() >= OTHER_LETTER && letters.iter().all(char::is_ascii_alphabetic);
        let swapped = letters.windows(2).position(|pair| !pair[0].eq_ignore_ascii_case(&pair[1]))?;
        let mut letters = letters;
        letters.swap(swapped, swapped + 1);
        is_long.then(|| whole(&format!("{}/{last}", letters.into_iter().collect::<String>())))
    };
    let fakes: Vec<Compared> = servers.iter().filter_map(slipped).collect();
    assert!(fakes.len() > 100, "{}", fakes.len());
    let missed: Vec<&str> =
        fakes.iter().filter(|fake| !is_alike(fake)).map(|fake| &*fake.name.lower).collect();
    assert!(missed.is_empty(), "{missed:?}");
}
