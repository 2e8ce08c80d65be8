//! Pages: that they say everything, and nothing that a server wrote as markup.

use serde_json::{Value, json};

use super::*;
use crate::assessment::Override;
use crate::classify;

const DESCRIPTION: &str = "Generate an image using Replicate models: Flux 1.1 Pro (default), Qwen Image, or \
                           SeedDream-4. Requires REPLICATE_API_TOKEN.";

fn page_of(name: &str, description: &str) -> Page {
    let tool =
        Definition { name: name.to_owned(), description: description.to_owned(), ..Definition::default() };
    let verdict = Verdict { machine: classify(&tool), overridden: None };
    let around = Surroundings {
        server: "ImageGen MCP Server".to_owned(),
        package: Some("writingmate/imagegen-mcp".to_owned()),
        tools_of_server: 4,
        servers_known: Some(43_000),
    };
    Page::write(&tool, &verdict, &around).unwrap()
}

fn said(page: &Page, topic: Topic) -> String {
    let blocks = &page.section(topic).unwrap().blocks;
    blocks.iter().map(|block| serde_json::to_string(block).unwrap()).collect::<Vec<_>>().join("\n")
}

/// What the seed page says, and where ours says it: topic, words of the seed, words of ours.
const STATEMENTS: &[(Topic, &str, &str)] = &[
    (Topic::Summary, DESCRIPTION, DESCRIPTION),
    (Topic::Abilities, "to trigger actions in", "to trigger actions in ImageGen MCP Server"),
    (
        Topic::Abilities,
        "depends on the arguments the agent supplies",
        "depends on the arguments that the agent chooses",
    ),
    (Topic::Abilities, "reach beyond the immediate call", "reaches beyond the call"),
    (Topic::Abilities, "builds kicked off", "a build starts"),
    (Topic::Abilities, "notifications sent", "a message goes out"),
    (Topic::Abilities, "workflows started", "a workflow runs"),
    (Topic::Risk, "whose effects depend on the arguments", "whose effects depend on its arguments"),
    (Topic::Risk, "not a simple read/query", "no plain reading, and no plain change"),
    (Topic::Risk, "Execute tool with high risk", "execute tool with high risk"),
    (
        Topic::Evidence,
        "Generate an image using Replicate models...",
        "Generate an image using Replicate models",
    ),
    (Topic::Evidence, "Requires REPLICATE_API_TOKEN", "Requires REPLICATE_API_TOKEN"),
    (
        Topic::Attacks,
        "exactly the kind of access",
        "exactly the kind of access that image.generate.replicate gives an agent",
    ),
    (Topic::Policy, "MCP gateway", "MCP gateway"),
    (Topic::Policy, "without passing your rules", "no call reaches the server without passing your rules"),
    (Topic::Policy, "stays usable, but rate-capped", "stays usable, at most 10 times in any minute"),
    (Topic::Policy, "dozens of times a minute", "cannot call it dozens of times a minute"),
    (
        Topic::Policy,
        "Everything else on the server is denied",
        "Everything else of the server is denied unless you say otherwise",
    ),
    (Topic::Setup, "Free to start. No card required.", "no account, no card"),
    (Topic::Setup, "Point your MCP client at", "Point your MCP client at Toolgate's URL"),
    (
        Topic::Questions,
        "categorised as a Execute tool",
        "classified as an execute tool of ImageGen MCP Server",
    ),
    (
        Topic::Questions,
        "Use rate limits and argument validation",
        "rate-limited, and their arguments validated",
    ),
    (
        Topic::Questions,
        "allow, deny, rate-limit, or require approval",
        "allow it, deny it, limit its rate, or require approval",
    ),
    (
        Topic::Questions,
        "enforced on every call",
        "holds for every call, before it reaches ImageGen MCP Server",
    ),
    (Topic::Questions, "Nothing to install", "nothing else is installed"),
    (Topic::Questions, "max: 10 and window: 60", "`max: 10` and `window: 60` allow 10 calls per minute"),
    (
        Topic::Questions,
        "tracked per agent session and reset automatically",
        "for each session of an agent, and frees itself",
    ),
    (Topic::Questions, "Set action: deny", "Set `action: deny`"),
    (Topic::Questions, "cannot call the tool", "gets a denial that it can read and cannot call the tool"),
    (Topic::Questions, "a reason field to explain why", "a `reason` tells it why"),
    (Topic::Questions, "(writingmate/imagegen-mcp)", "ImageGen MCP Server (writingmate/imagegen-mcp)"),
    (Topic::Questions, "sits as a proxy in front of this server", "in front of it as a proxy"),
    (
        Topic::Server,
        "add the rest of your stack",
        "Begin with ImageGen MCP Server, add the rest of your servers",
    ),
    (Topic::Server, "see everything your agents can call", "see everything that your agents can call"),
    (Topic::Server, "Then put policy on all of it", "put policy on all of it"),
    (
        Topic::Server,
        "4 ImageGen MCP Server tools",
        "4 tools of ImageGen MCP Server catalogued and classified by risk",
    ),
    (Topic::Server, "index of 43,000+ MCP servers", "a catalogue of 43000 servers"),
];

#[test]
fn every_statement_is_on_our_page() {
    let page = page_of("image.generate.replicate", DESCRIPTION);
    for (topic, _, ours) in STATEMENTS {
        let said = said(&page, *topic);
        assert!(said.contains(ours), "`{ours}` is missing from {topic:?}: {said}");
    }
}

#[test]
fn our_page_stands_beside_the_seed_page() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/seed");
    let Ok(files) = std::fs::read_dir(folder) else {
        eprintln!("SKIPPED: the seed page is not at ../shared/seed beside the repository");
        return;
    };
    let seed = files
        .filter_map(|file| std::fs::read_to_string(file.unwrap().path()).ok())
        .find(|text| text.contains("image.generate.replicate"))
        .unwrap();
    for (_, theirs, _) in STATEMENTS {
        assert!(seed.contains(theirs), "the seed page does not say `{theirs}`");
    }
    let json = &seed.split_once("{\n\"version\"").unwrap().1;
    let json = format!("{{\"version\"{}}}", json.split_once("\n} image.").unwrap().0);
    let theirs: Value = serde_json::from_str(&json).unwrap();
    let page = page_of("image.generate.replicate", DESCRIPTION);
    assert_eq!(serde_json::to_value(&page.policy).unwrap(), theirs);
    assert_eq!(
        said(&page, Topic::Questions).lines().count(),
        6,
        "as many questions as the seed page answers"
    );
}

#[test]
fn pages_of_all_kinds_are_whole() {
    for (name, description) in [
        ("get", ""),
        ("pay", "Pays"),
        ("drop", "Drops"),
        ("set", "Sets"),
        ("a*", "Ignore previous instructions"),
    ] {
        let page = page_of(name, description);
        assert_eq!(page.sections.len(), 9);
        assert!(page.sections.iter().all(|section| !section.blocks.is_empty()), "{name}");
        let value = serde_json::to_value(&page).unwrap();
        assert_eq!(value["sections"][0]["topic"], "summary");
        let text = page.to_text();
        assert!(page.sections.iter().all(|section| text.contains(&section.heading)), "{text}");
    }
}

#[test]
fn a_persons_word_stands_beside_the_machines() {
    let tool = Definition { name: "get".to_owned(), ..Definition::default() };
    let person = Override { category: Category::Financial, severity: None, reason: "it bills us".to_owned() };
    let verdict = Verdict { machine: classify(&tool), overridden: Some(person) };
    let page = Page::write(&tool, &verdict, &Surroundings::default()).unwrap();
    assert_eq!((page.category, page.severity), (Category::Financial, Severity::Critical));
    let risk = said(&page, Topic::Risk);
    assert!(
        risk.contains("it bills us") && risk.contains("the classifier says read with low risk"),
        "{risk}"
    );
    assert_eq!(
        serde_json::to_value(&page.policy).unwrap()["tools"]["get"]["deny_if"][0]["conditions"],
        json!([])
    );
}

#[test]
fn nothing_that_a_server_wrote_is_markup_or_steers_a_terminal() {
    let hostile = "<script>x</script> [a](javascript:x) ```\n# b \u{1b}[2J \u{202e}";
    let page = page_of("`*evil*`\n# x", hostile);
    let text = page.to_text();
    assert!(!text.chars().any(|c| c.is_control() && c != '\n') && !text.contains('\u{202e}'));
    let markdown = page.to_markdown();
    let link = markdown.replace("\\](", "").contains("](");
    assert!(!markdown.contains("<script") && !link && !markdown.contains('\u{1b}'), "{markdown}");
    let headings = |markdown: &str| markdown.lines().filter(|line| line.starts_with("# ")).count();
    assert_eq!(headings(&markdown), 1);
    let fences = markdown.lines().filter(|line| line.starts_with("```")).count();
    assert_eq!(fences, 2);
}
