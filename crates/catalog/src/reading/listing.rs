//! Actions that a text lists as the choices of an argument: `operation (get, set, delete)`.

use super::Act;
use super::schema::{Field, act_of_choice, selects_by_name};
use serde_json::Value;

/// How much of a text is searched, in bytes.
const SEARCHED: usize = 4000;
/// How far a list may reach, in bytes.
const REACH: usize = 400;

/// What introduces a list of actions in a description.
const MARKS: &[&str] = &[
    "operation type",
    "operation:",
    "operation (",
    "operations:",
    "operations (",
    "operations ",
    "action:",
    "actions:",
    "action (",
    "actions (",
    "action type",
    "sub-command",
    "subcommand",
];

/// What each action does that the description, or the text of an argument without fixed choices, lists.
pub(crate) fn listed_acts(description: &str, fields: &[Field<'_>]) -> Vec<Act> {
    let of_fields = fields.iter().filter(|field| selects_by_name(field)).flat_map(|field| {
        let text = field.schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let start = text.find([':', '(', '\'', '"', '`', '|']).unwrap_or(text.len());
        acts_in(text.get(start..).unwrap_or_default(), &format!("{}/description", field.at))
    });
    let described = beginning(description, SEARCHED);
    let lower = described.to_ascii_lowercase();
    let of_text = MARKS.iter().filter_map(|mark| {
        let end = lower.find(mark)? + mark.len();
        Some(acts_in(described.get(end..)?, "/description"))
    });
    of_fields.chain(of_text.flatten()).collect()
}

/// The actions of the list that a text begins with; none where it is no list of them.
fn acts_in(text: &str, at: &str) -> Vec<Act> {
    let text = beginning(text, REACH);
    let start = text.find(|c: char| c.is_alphanumeric()).unwrap_or(text.len());
    let text = text.get(start..).unwrap_or_default();
    // `such as read, write and delete on files`
    let begun = ["such as ", "like ", "including "].iter().find_map(|words| text.strip_prefix(words));
    let in_sentence = begun.is_some();
    let text = begun.unwrap_or(text);
    let end = text.find([')', ']', '.', ';']).into_iter().chain(text.find("\n")).min().unwrap_or(text.len());
    let items: Vec<&str> = text
        .get(..end)
        .unwrap_or_default()
        .split([',', '|', '/'])
        .flat_map(|part| part.split(if in_sentence { " and " } else { " or " }))
        .flat_map(|part| part.split(" or "))
        .map(|item| item.trim().trim_start_matches("or ").trim_start_matches("and "))
        .map(|item| if in_sentence { item.split(' ').next().unwrap_or(item) } else { item })
        .map(|item| item.trim_matches(['"', '\'', '`', '*', ' ']))
        .filter(|item| !item.is_empty())
        .collect();
    let named = |item: &str| item.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if items.len() < 2 || !items.iter().all(|item| named(item)) {
        return Vec::new();
    }
    let acts: Vec<Act> = items.iter().filter_map(|item| act_of_choice(item, at.to_owned())).collect();
    if acts.len() * 2 >= items.len() && acts.len() > 1 { acts } else { Vec::new() }
}

fn beginning(text: &str, most: usize) -> &str {
    let end = (0..=text.len().min(most)).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}
