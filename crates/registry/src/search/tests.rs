//! Search against a plain look at every entry, and whatever may be typed.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use serde_json::json;
use toolgate_catalog::{Category, Label, Severity};

use super::*;
use crate::catalog::Catalog;

/// Words that the database's stemming leaves alone.
const WORDS: [&str; 6] = ["bako", "bakomu", "zor", "kintu", "天気", "Zorba"];

async fn with_tools(directory: &Path, rows: &[(String, String, String)]) -> Catalog {
    let mut writer = crate::import::open(directory).await.unwrap();
    let entry = |(server, tool, description): &(String, String, String)| {
        let row = json!({"server": server, "tool": tool, "description": description}).to_string();
        crate::read::entry(row.as_bytes(), None).unwrap()
    };
    writer.store(rows.iter().map(entry).collect(), None).await.unwrap();
    writer.close().await.unwrap();
    Catalog::open(directory).await.unwrap()
}

async fn all(catalog: &Catalog, search: &Search, limit: usize) -> Vec<(String, String)> {
    let (mut cursor, mut found): (Option<String>, Vec<_>) = (None, Vec::new());
    loop {
        let page = catalog.tools(search, limit, cursor.as_deref()).await.unwrap();
        assert!(page.items.len() == limit || page.next.is_none(), "a page is full unless it is the last");
        found.extend(page.items.into_iter().map(|hit| (hit.server, hit.name)));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return found,
        }
    }
}

fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// The plain reference: all words must be among those of name, server and text, or be the name together.
fn matches(row: &(String, String, String), asked: &[Word]) -> bool {
    let texts = [words::spread(&row.1), words::spread(&row.0), words::spread(&row.2)];
    let there: Vec<&str> = texts.iter().flat_map(|text| text.split(' ')).collect();
    let whole = [words::joined(&row.1), words::joined(&row.0)];
    let has = |word: &Word| {
        if word.prefix {
            return there.iter().any(|known| known.starts_with(&word.text));
        }
        there.contains(&word.text.as_str()) || whole.contains(&word.text)
    };
    let together: String = asked.iter().map(|word| word.text.as_str()).collect();
    asked.iter().all(has) || together == words::joined(&row.1)
}

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(&WORDS[..]), 1..4).prop_map(|words| words.join("_"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_search_finds_what_a_plain_look_finds(
        rows in proptest::collection::btree_map((text(), text()), text(), 1..40),
        asked in proptest::collection::vec((proptest::sample::select(&["bako", "bak", "zor", "zo", "kintu", "天", "bakozor", "zorzor"][..]), any::<bool>()), 1..3),
        limit in 1_usize..9,
    ) {
        let rows: Vec<_> = rows.into_iter().map(|((server, tool), text)| (server, tool, text)).collect();
        let typed: Vec<String> = asked.iter().map(|(word, star)| format!("{word}{}", if *star { "*" } else { "" })).collect();
        let search = Search { words: typed.join(" "), ..Search::default() };
        let directory = tempfile::tempdir().unwrap();
        let found = within(async { all(&with_tools(directory.path(), &rows).await, &search, limit).await });
        let asked = words::question(&search.words);
        let expected: BTreeSet<_> = rows.iter().filter(|row| matches(row, &asked)).map(|row| (row.0.clone(), row.1.clone())).collect();
        prop_assert_eq!(found.len(), expected.len(), "none twice: {:?}", found);
        prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}

#[test]
fn nothing_that_is_typed_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    within(async {
        let catalog = with_tools(directory.path(), &[]).await;
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
            cases: 300,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        let mut typed: Vec<String> = [
            "\"",
            "a\"b",
            "NEAR(a b)",
            "a OR",
            "AND",
            "NOT",
            "name:x",
            "{name}:x",
            "^a",
            "a*b*",
            "-",
            "((",
            "a\0b",
            "é*",
            "terms:read",
            "%099",
            "İ",
            "𝒜*",
            "x'; DROP TABLE tool; --",
        ]
        .map(str::to_owned)
        .into();
        for _ in 0..300 {
            typed.push(".{0,40}".new_tree(&mut runner).unwrap().current());
        }
        for words in typed {
            let search = Search { words: words.clone(), ..Search::default() };
            assert!(catalog.tools(&search, 5, None).await.is_ok(), "{words:?}");
            assert!(catalog.servers(&search, 5, None).await.is_ok(), "{words:?}");
        }
    });
}

#[test]
fn names_come_before_texts_and_short_names_first() {
    let directory = tempfile::tempdir().unwrap();
    let row = |server: &str, tool: &str, text: &str| (server.to_owned(), tool.to_owned(), text.to_owned());
    let rows = [
        row("s", "notes", "Create an issue."),
        row("issue-server", "create_it", ""),
        row("s", "create_issue_comment", ""),
        row("s", "createIssue", ""),
        row("s", "create_issues", ""),
        row("s", "issue_create", ""),
    ];
    let found = within(async {
        let search = Search { words: "create issue".to_owned(), ..Search::default() };
        all(&with_tools(directory.path(), &rows).await, &search, 2).await
    });
    let names: Vec<_> = found.iter().map(|(_, tool)| tool.as_str()).collect();
    assert_eq!(
        names,
        ["createIssue", "create_issues", "issue_create", "create_issue_comment", "create_it", "notes"]
    );
}

#[test]
fn a_beginning_of_one_letter_asks_names_and_servers() {
    let directory = tempfile::tempdir().unwrap();
    let row = |server: &str, tool: &str, text: &str| (server.to_owned(), tool.to_owned(), text.to_owned());
    let rows = [
        row("acme", "get_state", "Something."),
        row("acme", "get_it", "Of a state."),
        row("state-server", "get_other", "Something."),
        row("acme", "get_as", "Something."),
    ];
    let found = within(async {
        let catalog = with_tools(directory.path(), &rows).await;
        let of = async |words: &str| -> Vec<String> {
            let search = Search { words: words.to_owned(), ..Search::default() };
            all(&catalog, &search, 3).await.into_iter().map(|(_, tool)| tool).collect()
        };
        [of("getS*").await, of("get is*").await, of("a s*").await]
    });
    assert_eq!(found, [vec!["get_state", "get_other"], vec![], vec![]]);
}

#[test]
fn a_search_can_be_narrowed() {
    let directory = tempfile::tempdir().unwrap();
    let row = |tool: &str, text: &str| ("s".to_owned(), tool.to_owned(), text.to_owned());
    let rows = [row("delete_file", "Deletes a file for good."), row("read_file", "Returns a file.")];
    within(async {
        let catalog = with_tools(directory.path(), &rows).await;
        let of = async |search: Search| -> Vec<String> {
            all(&catalog, &search, 3).await.into_iter().map(|(_, tool)| tool).collect()
        };
        let base = || Search { server: Some("s".to_owned()), ..Search::default() };
        assert_eq!(of(base()).await, ["read_file", "delete_file"]);
        assert_eq!(of(Search { category: Some(Category::Destructive), ..base() }).await, ["delete_file"]);
        assert_eq!(of(Search { severity: Some(Severity::Low), ..base() }).await.len(), 1);
        assert_eq!(of(Search { label: Some(Label::SinkDestructive), ..base() }).await, ["delete_file"]);
        assert_eq!(of(Search { transport: Some(Transport::Sse), ..base() }).await, [""; 0]);
        assert_eq!(of(Search { server: Some("nobody".to_owned()), ..base() }).await, [""; 0]);
        assert_eq!(of(Search::default()).await.len(), 6);
        let wrong = [
            catalog.tools(&base(), 0, None).await,
            catalog.tools(&base(), 201, None).await,
            catalog.tools(&base(), 5, Some("?")).await,
        ];
        assert!(wrong.iter().all(Result::is_err));
    });
}

#[test]
fn each_tier_leaves_out_the_one_before() {
    let search =
        Search { words: "create iss*".to_owned(), category: Some(Category::Write), ..Search::default() };
    let tiers = Tiers::of(Kind::Tools, &search, None);
    assert_eq!(tiers.questions.len(), 4);
    assert_eq!(
        tiers.questions[1],
        r#"((("!create" OR "=create") AND ("!iss"*)) AND "%199") NOT "=createiss""#
    );
    let servers = Tiers::of(Kind::Servers, &search, None);
    assert_eq!(servers.questions.len(), 3);
    assert!(!servers.questions[0].contains('%'));
}

#[test]
fn signs_alone_find_nothing_and_nothing_finds_all() {
    let of = |words: &str| {
        Tiers::of(Kind::Tools, &Search { words: words.to_owned(), ..Search::default() }, None).questions
    };
    assert!(of("\"*-(").is_empty());
    assert_eq!(of(" "), [""]);
}
