//! What a catalogue says of the names in a config: listed, withdrawn, alike, or nothing.

use proptest::prelude::*;

use super::*;
use crate::lookalike::well_known;

fn server(name: &str, status: Status, packages: &[(Ecosystem, &str)]) -> Listed {
    let packages = packages.iter().map(|(kind, name)| (*kind, (*name).to_owned())).collect();
    Listed { name: name.to_owned(), status, packages, addresses: vec![format!("https://{name}/mcp/")] }
}

fn catalogue() -> Vec<Listed> {
    use Ecosystem::{Image, Npm, PyPi};
    vec![
        server("com.bigbank/payments", Status::Active, &[(Npm, "@bigbank/payments-mcp")]),
        server(
            "io.github.acmesoft/weatherly",
            Status::Active,
            &[(PyPi, "weatherly-mcp"), (Image, "ghcr.io/acmesoft/weatherly")],
        ),
        server("io.github.gone/harvester", Status::Deleted, &[(Npm, "harvester-mcp")]),
        server("io.github.old/faxing", Status::Deprecated, &[(Npm, "faxing-mcp")]),
        server("io.github.moved/before", Status::Deleted, &[(Npm, "moved-mcp")]),
        server("com.moved/behind", Status::Active, &[(Npm, "moved-mcp")]),
        server("io.github.sorted/one", Status::Active, &[(PyPi, "mcp-google-calendar")]),
    ]
}

fn named(name: &str) -> ServerEntry {
    ServerEntry { name: name.to_owned(), ..ServerEntry::default() }
}

fn command(line: &str) -> ServerEntry {
    let mut words = line.split(' ').map(str::to_owned);
    let program = words.next().unwrap();
    ServerEntry { way: Way::Command { program, arguments: words.collect() }, ..named("s") }
}

fn url(url: &str) -> ServerEntry {
    ServerEntry { way: Way::Url(url.to_owned()), ..named("s") }
}

fn compared(entries: &[ServerEntry], catalogue: &[Listed]) -> Comparison {
    let mut comparison = Comparison::new(entries, &KnownNames::new(well_known()));
    catalogue.iter().for_each(|server| comparison.pass(server));
    comparison
}

/// The name of a rule, a severity, and what a name was taken for.
type Told = (&'static str, &'static str, Option<(Trick, String)>);

fn told(entry: &ServerEntry) -> Option<Told> {
    let comparison = compared(std::slice::from_ref(entry), &catalogue());
    let alike = comparison.suspects[0].alike.clone().map(|(trick, known, _)| (trick, known));
    let mut found = comparison.findings();
    assert!(found.len() < 2);
    found.pop().map(|finding| (finding.rule.id(), finding.severity.name(), alike))
}

#[test]
fn what_is_not_listed_and_looks_like_it_is_found() {
    for (entry, known, trick) in [
        (named("com.bigbannk/payments"), "com.bigbank/payments", Trick::Publisher),
        (named("com.big-bank/payments"), "com.bigbank/payments", Trick::Publisher),
        (named("io.bigbank/payments"), "com.bigbank/payments", Trick::Publisher),
        (named("io.github.bigbanks/payments"), "com.bigbank/payments", Trick::Publisher),
        (named("io.github.acmesotf/weatherly"), "io.github.acmesoft/weatherly", Trick::Publisher),
        (named("io.github.acmesoft/weather1y"), "io.github.acmesoft/weatherly", Trick::Confusable),
        (command("npx -y @bigbannk/payments-mcp@1.0.0"), "@bigbank/payments-mcp", Trick::Publisher),
        (command("npx -y bigbank-payments-mcp@1.0.0"), "@bigbank/payments-mcp", Trick::Separators),
        (command("npx -y @blgbank/payments-mcp"), "@bigbank/payments-mcp", Trick::Publisher),
        (command("uvx weatherIy-mcp"), "weatherly-mcp", Trick::Misspelling),
        (command("uvx weather1y-mcp"), "weatherly-mcp", Trick::Confusable),
        (command("uvx waetherly-mcp"), "weatherly-mcp", Trick::Misspelling),
        (command("uvx weatherrly-mcp"), "weatherly-mcp", Trick::Misspelling),
        (command("uvx w3atherly-mcp"), "weatherly-mcp", Trick::Misspelling),
        (command("uvx mcp-calendar-google"), "mcp-google-calendar", Trick::WordOrder),
        (
            command("docker run ghcr.io/acmesofft/weatherly:1.0.0"),
            "ghcr.io/acmesoft/weatherly",
            Trick::Publisher,
        ),
    ] {
        let expected = Some(("look-alike-name", "medium", Some((trick, known.to_owned()))));
        assert_eq!(told(&entry), expected, "{entry:?}");
    }
    let other_script = named("io.github.acmesoft/wеatherly");
    assert_eq!(
        told(&other_script).map(|(rule, severity, _)| (rule, severity)),
        Some(("look-alike-name", "high"))
    );
}

#[test]
fn what_is_listed_and_what_is_like_nothing_is_left_alone() {
    for entry in [
        named("com.bigbank/payments"),
        named("IO.github.AcmeSoft/Weatherly"),
        named("io.github.somebody/payments"),
        named("io.github.acmesoft/weatherl"),
        named("io.github.bigbank/payments"),
        named("weatherly"),
        named("com.bigbank/a/b"),
        command("npx -y @bigbank/payments-mcp"),
        command("npx -y @other/payments-mcp"),
        command("npx -y weatherrly-mcp"),
        command("npx -y @bigbannk/another-mcp"),
        command("uvx Weatherly_MCP"),
        command("uvx mcp-weatherly"),
        command("uvx weatherly-mcp-server"),
        command("uvx weatherlys-mcp"),
        command("uvx weatherly2-mcp"),
        command("uvx fastmcp"),
        command("docker run docker.io/acmesoft/weatherly:1.0.0"),
        command("npx -y harvesterr-mcp"),
        command("npx -y git+https://example.com/weatherrly-mcp"),
        url("https://com.bigbank/mcp"),
        url("https://com.bigbannk/mcp"),
        ServerEntry::default(),
    ] {
        let found = compared(std::slice::from_ref(&entry), &catalogue()).findings();
        assert_eq!(found, [], "{entry:?}");
    }
}

#[test]
fn what_a_registry_took_away_is_told() {
    for (entry, expected) in [
        (named("io.github.gone/harvester"), Some("high")),
        (command("npx -y harvester-mcp@1.0.0"), Some("high")),
        (url("https://io.github.gone/harvester/mcp?token=hidden"), Some("high")),
        (command("npx -y faxing-mcp"), Some("low")),
        // Its publisher goes on under another name.
        (command("npx -y moved-mcp"), None),
        (named("io.github.moved/before"), Some("high")),
    ] {
        let found = compared(std::slice::from_ref(&entry), &catalogue()).findings();
        let told: Vec<_> = found.iter().map(|finding| (finding.rule, finding.severity.name())).collect();
        let expected: Vec<_> =
            expected.map(|severity| (Rule::WithdrawnServer, severity)).into_iter().collect();
        assert_eq!(told, expected, "{entry:?}");
        assert!(!format!("{found:?}").contains("hidden"));
    }
    let found = compared(&[command("npx -y harvester-mcp")], &catalogue()).findings();
    assert_eq!(
        found[0].message,
        "`harvester-mcp` belongs to `io.github.gone/harvester`, which its registry has deleted"
    );
}

#[test]
fn what_the_catalogue_has_is_told_by_the_best_that_it_says() {
    let entries = [command("npx -y moved-mcp"), named("io.github.old/faxing"), named("github")];
    let catalogued = compared(&entries, &catalogue()).catalogued();
    let expected = |entry: &str, server: &str, status| Catalogued {
        entry: entry.to_owned(),
        server: server.to_owned(),
        status,
    };
    assert_eq!(
        catalogued,
        [
            expected("s", "com.moved/behind", Status::Active),
            expected("io.github.old/faxing", "io.github.old/faxing", Status::Deprecated)
        ]
    );
}

#[test]
fn what_the_lists_know_is_not_suspected_and_not_told_twice() {
    let fake = server("io.github.x/y", Status::Active, &[(Ecosystem::Npm, "mongobd-mcp-server")]);
    assert_eq!(compared(&[command("npx -y mongodb-mcp-server")], &[fake]).findings(), []);
    let near = server("io.github.x/z", Status::Active, &[(Ecosystem::Npm, "mongodbb-mcp-server")]);
    assert_eq!(compared(&[command("npx -y mongobd-mcp-server")], &[near]).findings(), []);
    let told = super::super::check_entries(
        &[command("npx -y mongobd-mcp-server@1.0.0")],
        &KnownNames::new(well_known()),
    );
    assert_eq!(told.len(), 1, "listed or not");
}

proptest! {
    #[test]
    fn the_order_of_the_catalogue_is_nothing(turn in 0..7_usize, line in "uvx (weatherly|mcp-gogle-calendar|mcp-calendar-google)-?(mcp)?") {
        let mut turned = catalogue();
        turned.push(server("io.github.a/b", Status::Active, &[(Ecosystem::PyPi, "weatherlyy-mcp")]));
        let entries = [command(&line), named("io.bigbank/payments")];
        let straight = compared(&entries, &turned);
        turned.rotate_left(turn);
        let turned = compared(&entries, &turned);
        prop_assert_eq!(straight.findings(), turned.findings());
        prop_assert_eq!(straight.catalogued(), turned.catalogued());
    }

    /// As for the other findings: cut at backticks, every second piece is our own.
    #[test]
    fn nothing_from_elsewhere_gets_out_of_its_backticks(name in "[a-zA-Z0-9`|<а-я]{6,12}", known in ".{0,40}") {
        let listed = Listed { addresses: vec![known.clone()],
            ..server(&known, Status::Deleted, &[(Ecosystem::Npm, &name), (Ecosystem::PyPi, &known)]) };
        let alike = server(&format!("io.{name}/x"), Status::Active, &[(Ecosystem::PyPi, &format!("{name}{name}-mcp"))]);
        let entries = [command(&format!("npx {name}")), command(&format!("uvx {name}-{name}-mcp")), url(&known),
            named(&known), named(&format!("com.{name}/x"))];
        for finding in compared(&entries, &[listed, alike]).findings() {
            prop_assert_eq!(finding.message.matches('`').count() % 2, 0);
            for own in finding.message.split('`').step_by(2) {
                prop_assert!(own.chars().all(|c| c.is_ascii_alphanumeric() || " ,:;'-".contains(c)), "{}", own);
            }
        }
    }
}
