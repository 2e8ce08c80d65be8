//! What a call leaves behind: a file where a place for it is given, a picture that a model makes, a score
//! that is recorded.

use serde_json::Value;

use super::{Decision, Parts, acts};
use crate::assessment::Category;
use crate::reading::{Field, Phrase};
use crate::words;

/// What is made of the arguments: by a model where there is a prompt; a file where a place for it is given.
pub(super) fn puts(parts: &Parts<'_>, decision: &mut Decision) {
    const MAKING: [&str; 19] = [
        "generate",
        "gen",
        "convert",
        "format",
        "extract",
        "transform",
        "render",
        "compress",
        "encode",
        "decode",
        "download",
        "export",
        "beautify",
        "clean",
        "create",
        "make",
        "screenshot",
        "translate",
        "scrape",
    ];
    if decision.category != Category::Read {
        return;
    }
    let makes = acts(parts).any(|act| MAKING.contains(&act.verb.as_str()));
    let generates = acts(parts).any(|act| act.verb == "generate" || act.verb == "gen");
    // Code and other text is returned.
    let text =
        acts(parts).any(|act| act.by_object && act.category == Category::Read && act.verb.starts_with("gen"));
    let prompt =
        |field: &&Field<'_>| generates && !text && field.words.last().is_some_and(|word| word == "prompt");
    let place = |field: &&Field<'_>| {
        names_an_output(field) || makes && names_a_place(field) || generates && field.is("filename")
    };
    let (category, found) = if let Some(prompt) = parts.fields.iter().find(prompt) {
        (Category::Execute, prompt.evidence())
    } else if let Some(place) = parts.fields.iter().find(place) {
        (Category::Write, place.evidence())
    } else if let Some(found) = parts.phrases.get(Phrase::Saves).filter(|_| makes) {
        (Category::Write, found.clone())
    } else {
        return;
    };
    let why = format!("it makes something, and its definition says `{}`", found.quote);
    decision.raise(category, why, vec![found]);
}

const PLACES: [&str; 7] = ["path", "dir", "directory", "file", "filename", "folder", "location"];

/// Whether an argument of any tool says where its result is put.
fn names_an_output(field: &Field<'_>) -> bool {
    field.is_text() && field.has(&["output", "save", "out"]) && field.has(&PLACES)
        || field.is("save to")
        || field.is("save as")
}

/// Whether an argument of a tool that makes something says where that is put.
fn names_a_place(field: &Field<'_>) -> bool {
    field.has(&["dest", "destination", "target", "output", "save", "out", "download"]) && field.has(&PLACES)
        || field.is("subdirectory")
}

/// Verbs by which a medium comes to be.
const IMAGINING: [&str; 17] = [
    "create",
    "update",
    "make",
    "edit",
    "modify",
    "transform",
    "produce",
    "compose",
    "design",
    "draw",
    "extend",
    "vary",
    "restyle",
    "enhance",
    "combine",
    "generate",
    "change",
];
/// What a model makes from words.
const MEDIA: [&str; 14] = [
    "image",
    "images",
    "picture",
    "photo",
    "video",
    "audio",
    "music",
    "song",
    "voice",
    "speech",
    "animation",
    "illustration",
    "artwork",
    "sprite",
];

/// A picture, a film or a sound that a model makes from words, also where an old one is changed.
pub(super) fn imagines(parts: &Parts<'_>, decision: &mut Decision) {
    const MODELS: [&str; 6] = ["prompt", "prompts", "ai", "model", "models", "diffusion"];
    const NONE: [&str; 17] = [
        "summary",
        "transcript",
        "caption",
        "report",
        "prompt",
        "prompts",
        "template",
        "templates",
        "link",
        "description",
        "task",
        "project",
        "plan",
        "script",
        "storyboard",
        "outline",
        "idea",
    ];
    if decision.category > Category::Write {
        return;
    }
    let makes = |act: &&crate::reading::Act| {
        let quoted = words::of_text(&act.evidence.quote);
        // What it is made for is not what is made.
        let mut made = quoted.iter().take_while(|word| !["for", "about"].contains(&word.lower.as_str()));
        IMAGINING.contains(&act.verb.as_str())
            && !NONE.contains(&act.object.as_str())
            && made.any(|word| MEDIA.contains(&word.lower.as_str()))
    };
    let Some(made) = parts.prose.act.as_ref().filter(makes) else { return };
    let quoted = words::of_text(&made.evidence.quote);
    let told = quoted.iter().skip(1).any(|word| MODELS.contains(&word.lower.as_str()));
    let field = parts.fields.iter().find(|field| field.words.last().is_some_and(|word| word == "prompt"));
    if !told && field.is_none() {
        return;
    }
    let why = format!("a model makes it from words, as its description says `{}`", made.evidence.quote);
    let evidence = std::iter::once(made.evidence.clone()).chain(field.map(Field::evidence)).collect();
    decision.raise(Category::Execute, why, evidence);
}

/// A judgement that must be brought along is recorded.
pub(super) fn records(parts: &Parts<'_>, decision: &mut Decision) {
    const JUDGING: [&str; 6] = ["score", "rate", "grade", "evaluate", "assess", "review"];
    if decision.category != Category::Read || !acts(parts).any(|act| JUDGING.contains(&act.verb.as_str())) {
        return;
    }
    let required = parts.definition.input_schema.get("required").and_then(Value::as_array);
    let needs = |name: &str| required.into_iter().flatten().any(|field| field.as_str() == Some(name));
    let judgement = |field: &&Field<'_>| {
        ["score", "rating", "grade", "stars"].iter().any(|word| field.is(word)) && needs(field.name)
    };
    let Some(found) = parts.fields.iter().find(judgement).map(Field::evidence) else { return };
    let why = format!("it records the judgement that it is given in `{}`", found.quote);
    decision.raise(Category::Write, why, vec![found]);
}

/// A film that a program puts together of what is there: no model makes it.
pub(super) fn assembles(parts: &Parts<'_>, decision: &mut Decision) {
    const PUTTING: [&str; 7] = ["create", "make", "build", "generate", "produce", "render", "combine"];
    const PROGRAMS: [&str; 6] = ["ffmpeg", "moviepy", "imagemagick", "opencv", "concat", "slideshow"];
    let Some(made) = parts.prose.act.as_ref().filter(|act| PUTTING.contains(&act.verb.as_str())) else {
        return;
    };
    let quoted = words::of_text(&made.evidence.quote);
    let Some(program) = quoted.iter().find(|word| PROGRAMS.contains(&word.lower.as_str())) else { return };
    if decision.category == Category::Execute {
        let why = format!("a program puts it together, as its description says `{}`", program.text);
        let evidence = vec![made.evidence.clone()];
        decision.raise(Category::Write, why, evidence);
    }
}
