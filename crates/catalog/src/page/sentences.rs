//! The sentences of a page, made from the facts.

use super::{Block, Facts, Section, Topic, printable};
use crate::assessment::Category;
use crate::recommend::{Preset, Treatment};

/// All sections, in order.
pub(super) fn sections(facts: &Facts<'_>) -> Vec<Section> {
    let name = printable(&facts.tool.name);
    let section = |topic: Topic, heading: String, blocks: Vec<Block>| Section { topic, heading, blocks };
    vec![
        section(Topic::Summary, "What its server says".to_owned(), summary(facts)),
        section(Topic::Abilities, format!("What an agent can do with {name}"), abilities(facts)),
        section(Topic::Risk, "How risky it is, and why".to_owned(), risk(facts)),
        section(Topic::Evidence, "The words this rests on".to_owned(), evidence(facts)),
        section(Topic::Attacks, "Attacks that such a tool invites".to_owned(), attacks(facts)),
        section(Topic::Policy, format!("The policy to put on {name}"), policy(facts)),
        section(Topic::Setup, "Putting it there".to_owned(), setup(facts)),
        section(Topic::Questions, "Questions and answers".to_owned(), questions(facts)),
        section(Topic::Server, format!("More of {}", server(facts)), surroundings(facts)),
    ]
}

fn server(facts: &Facts<'_>) -> String {
    if facts.around.server.is_empty() { "its server".to_owned() } else { printable(&facts.around.server) }
}

fn said(facts: &Facts<'_>) -> String {
    match facts.tool.description.trim() {
        "" => "Its server says nothing about it.".to_owned(),
        text => printable(text),
    }
}

fn summary(facts: &Facts<'_>) -> Vec<Block> {
    vec![Block::Paragraph(said(facts))]
}

/// What agents use a tool of this category for.
fn purpose(category: Category) -> &'static str {
    match category {
        Category::Read => "to get information out of",
        Category::Write => "to create and change things in",
        Category::Execute => "to trigger actions in",
        Category::Destructive => "to remove or overwrite things in",
        Category::Financial => "to move money by way of",
    }
}

/// How far a call of this category reaches.
fn reach(category: Category) -> &'static str {
    match category {
        Category::Read => {
            "A call changes nothing, but what it returns goes into the agent's context: private data can travel on \
             from there, and what strangers wrote can steer the agent."
        }
        Category::Write => {
            "A call leaves something behind or tells other people something. It can be set right one by one; \
             a thousand of them in a row cannot."
        }
        Category::Execute => {
            "What happens depends on the arguments that the agent chooses, and often reaches beyond the call: a \
             build starts, a message goes out, a workflow runs, a bill grows."
        }
        Category::Destructive => {
            "What a call removes or overwrites its caller cannot simply bring back, and a single wrong one is enough."
        }
        Category::Financial => {
            "A call moves money or commits somebody to pay, and a wrong one costs what it costs."
        }
    }
}

fn abilities(facts: &Facts<'_>) -> Vec<Block> {
    let category = facts.verdict.category();
    let name = printable(&facts.tool.name);
    let mut blocks = vec![Block::Paragraph(format!(
        "AI agents call {name} {} {}. {}",
        purpose(category),
        server(facts),
        reach(category)
    ))];
    let signals = facts.verdict.machine.signals.iter();
    blocks.extend(
        signals.map(|signal| Block::Point(signal.name().to_owned(), format!("it {}", signal.meaning()))),
    );
    blocks
}

fn risk(facts: &Facts<'_>) -> Vec<Block> {
    let machine = &facts.verdict.machine;
    let mut blocks = vec![
        Block::Paragraph(format!(
            "{} is {} {} tool with {} risk.",
            printable(&facts.tool.name),
            article(facts.verdict.category()),
            facts.verdict.category().name(),
            facts.verdict.severity().name()
        )),
        Block::Paragraph(format!(
            "{} (confidence {:.2}).",
            capitalised(&printable(&machine.reason)),
            machine.confidence
        )),
    ];
    if machine.category == Category::Execute {
        blocks.push(Block::Paragraph(
            "It is no plain reading, and no plain change of stored data: something runs that the arguments decide on."
                .to_owned(),
        ));
    }
    if let Some(why) = &machine.severity_reason {
        blocks.push(Block::Paragraph(format!(
            "The risk is not the usual one of its category: {}.",
            printable(why)
        )));
    }
    if let Some(person) = &facts.verdict.overridden {
        blocks.push(Block::Paragraph(format!(
            "This is a person's word: {}. By itself the classifier says {} with {} risk.",
            printable(&person.reason),
            machine.category.name(),
            machine.severity.name()
        )));
    }
    let suspicious = machine.suspicious.iter();
    blocks.extend(suspicious.map(|found| {
        Block::Point(
            "suspicious text".to_owned(),
            format!("`{}` at {}", printable(&found.evidence.quote), found.evidence.at),
        )
    }));
    blocks
}

fn article(category: Category) -> &'static str {
    if category == Category::Execute { "an" } else { "a" }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn evidence(facts: &Facts<'_>) -> Vec<Block> {
    facts.verdict.machine.evidence.iter().cloned().map(Block::Quote).collect()
}

fn attacks(facts: &Facts<'_>) -> Vec<Block> {
    if facts.attacks.is_empty() {
        return vec![Block::Paragraph("None of the known patterns needs what this tool can do.".to_owned())];
    }
    let name = printable(&facts.tool.name);
    let mut blocks = vec![Block::Paragraph(format!(
        "Known attacks use exactly the kind of access that {name} gives an agent:"
    ))];
    blocks.extend(
        facts.attacks.iter().map(|pattern| Block::Point(pattern.title.clone(), pattern.summary.clone())),
    );
    blocks
}

fn policy(facts: &Facts<'_>) -> Vec<Block> {
    let name = printable(&facts.tool.name);
    let mut blocks = vec![
        Block::Paragraph(format!(
            "Toolgate is an MCP gateway: it stands between AI agents and {}, and no call reaches the server without \
             passing your rules. For {name} we recommend:",
            server(facts)
        )),
        Block::Json(facts.recommended.policy.to_json()),
        Block::Paragraph(format!(
            "{} Everything else of the server is denied unless you say otherwise.",
            meaning(facts)
        )),
    ];
    blocks.extend(facts.recommended.notes.iter().map(|note| Block::Paragraph(printable(note))));
    blocks
}

/// What the recommended policy does with the tool.
fn meaning(facts: &Facts<'_>) -> String {
    let name = printable(&facts.tool.name);
    if !facts.verdict.machine.suspicious.is_empty() {
        return format!("{name} is hidden until somebody has read its definition.");
    }
    match Preset::Recommended.treatment(facts.verdict.category()) {
        Treatment::Allow => format!("{name} can be used freely: it changes nothing."),
        Treatment::PerMinute(max) => format!(
            "{name} stays usable, at most {max} times in any minute for each grant: an agent that runs away cannot \
             call it dozens of times a minute."
        ),
        Treatment::Deny(reason) => {
            format!("{name} is denied with the words \"{reason}\"; the agent sees that it is there.")
        }
        Treatment::Hide => format!("{name} is hidden: no list shows it, and no call reaches it."),
        Treatment::LeaveOut => format!("{name} is denied."),
    }
}

fn setup(facts: &Facts<'_>) -> Vec<Block> {
    let steps = [
        format!("Name {} under `servers` in Toolgate's config.", server(facts)),
        "Put the policy above under `policies`, and make a grant that ties the two together.".to_owned(),
        "Point your MCP client at Toolgate's URL with the grant's token. In the client and in the server nothing is installed."
            .to_owned(),
    ];
    let mut blocks: Vec<Block> = steps.into_iter().map(Block::Step).collect();
    blocks.push(Block::Paragraph("Toolgate is free software: no account, no card.".to_owned()));
    blocks
}

/// What to do about a tool of this category.
fn advice(category: Category) -> &'static str {
    match category {
        Category::Read => {
            "Reading tools may be allowed; bound those that return private data or strangers' text."
        }
        Category::Write => "Writing tools should be rate-limited.",
        Category::Execute => "Executing tools should be rate-limited, and their arguments validated.",
        Category::Destructive => "Destructive tools should be hidden, or wait for a person.",
        Category::Financial => "Tools that move money should wait for a person.",
    }
}

fn questions(facts: &Facts<'_>) -> Vec<Block> {
    let (name, server, category) = (printable(&facts.tool.name), server(facts), facts.verdict.category());
    let package = facts
        .around
        .package
        .as_deref()
        .map(|package| format!(" ({})", printable(package)))
        .unwrap_or_default();
    let ask = |question: String, answer: String| Block::Question(question, answer);
    vec![
        ask(
            format!("What does {name} do?"),
            format!(
                "{} It is classified as {} {} tool of {server}: it {}. {}",
                said(facts),
                article(category),
                category.name(),
                category.effect(),
                advice(category)
            ),
        ),
        ask(
            format!("How do I put a rule on {name}?"),
            format!(
                "Register {server} in Toolgate and add a rule for {name}: allow it, deny it, limit its rate, or require \
                 approval. Point your MCP client at Toolgate's URL. The rule holds for every call, before it reaches \
                 {server}; nothing else is installed."
            ),
        ),
        ask(
            format!("How risky is {name}?"),
            format!(
                "It is {} {} tool with {} risk. {}",
                article(category),
                category.name(),
                facts.verdict.severity().name(),
                advice(category)
            ),
        ),
        ask(
            format!("Can I limit how often agents call {name}?"),
            format!(
                "Yes. Give {name} a `rate_limit` block in its policy: `max: 10` and `window: 60` allow 10 calls per \
                 minute. Such a limit counts for each session of an agent, and frees itself as the window moves on."
            ),
        ),
        ask(
            format!("How do I block {name}?"),
            format!(
                "Set `action: deny` for {name} in the policy. The agent gets a denial that it can read and cannot call \
                 the tool; a `reason` tells it why."
            ),
        ),
        ask(
            format!("Which server offers {name}?"),
            format!(
                "{server}{package}. Toolgate stands in front of it as a proxy, and applies the policy before a call \
                 reaches it."
            ),
        ),
    ]
}

fn surroundings(facts: &Facts<'_>) -> Vec<Block> {
    let tools = match facts.around.tools_of_server {
        1 => "1 tool".to_owned(),
        count => format!("{count} tools"),
    };
    let index = facts
        .around
        .servers_known
        .map(|count| format!(", in a catalogue of {count} servers"))
        .unwrap_or_default();
    vec![
        Block::Paragraph(format!(
            "Begin with {}, add the rest of your servers, see everything that your agents can call, and put policy on \
             all of it.",
            server(facts)
        )),
        Block::Paragraph(format!("{tools} of {} catalogued and classified by risk{index}.", server(facts))),
    ]
}
