//! Search, compared with a plain filter over the records.

use proptest::prelude::*;
use toolgate_index::{Cursor, QueryError, Search};

use crate::fixture::{HOUR, NOW, Traffic, all, follow, open_journal};
use crate::reference::{events, matches};

fn one_of(names: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        3 => Just(None),
        1 => proptest::sample::select(names).prop_map(|name| Some(name.to_owned())),
    ]
}

fn searches() -> impl Strategy<Value = Search> {
    let names = (
        one_of(&["decision", "outcome", "reload", "grant", "refused", "start", "none"]),
        one_of(&["grant-0", "grant-1", "grant-2", "grant-3", "none"]),
        one_of(&["server-0", "server-1", "server-2"]),
        one_of(&["tool-0", "tool-1", "tool-2", "tool-3", "tool-4"]),
        one_of(&["allow", "deny", "shadow_deny", "pending"]),
        one_of(&["ok", "tool_error", "error", "cancelled", "unreached"]),
        one_of(&["/rules/0", "/rules/1", "/rules/2"]),
    );
    let time = (proptest::option::weighted(0.3, -60i64..10), proptest::option::weighted(0.3, -60i64..10));
    let rest =
        (one_of(&["c0ffee-1", "c0ffee-9", "c0ffee-a0"]), one_of(&["tools/call", "resources/read"]), time);
    (names, rest).prop_map(
        |((kind, grant, server, tool, decision, outcome, rule), (request_id, method, (from, until)))| {
            let at = |hours: i64| NOW + hours * HOUR + 12_345;
            Search {
                kind,
                grant,
                server,
                tool,
                decision,
                outcome,
                rule,
                method,
                request_id,
                from: from.map(at),
                until: until.map(at),
                ..Search::default()
            }
        },
    )
}

#[test]
fn any_search_finds_what_a_plain_filter_finds() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    let mut traffic = Traffic::new(21);
    for jump in [0, 0, -3 * HOUR, 7 * HOUR] {
        traffic.ts += jump;
        // More than what is looked through before the index is asked.
        traffic.write(&journal, 4000);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let index = runtime.block_on(follow(directory.path()));
    let expected = events(directory.path());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(200)
    });
    let checked = runner.run(&(searches(), 30usize..400), |(search, limit)| {
        let found: Vec<_> = runtime.block_on(all(&index, &search, limit));
        let plain: Vec<_> = expected.iter().filter(|event| matches(event, &search)).cloned().collect();
        let first_wrong = found.iter().zip(&plain).position(|(found, plain)| found != plain);
        let around = first_wrong.map(|at| (at, found.get(at), plain.get(at)));
        prop_assert!(
            first_wrong.is_none() && found.len() == plain.len(),
            "{search:?}: {} of {}, {around:?}",
            found.len(),
            plain.len()
        );
        Ok(())
    });
    checked.unwrap();
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    Traffic::new(22).write(&journal, 300);
    let index = follow(directory.path()).await;
    for limit in [0, 501, usize::MAX] {
        assert!(matches!(index.search(&Search::default(), limit, None).await, Err(QueryError::Limit(_))));
    }
    let page = index.search(&Search::default(), 10, None).await.unwrap();
    let other = Search { grant: Some("grant-1".to_owned()), ..Search::default() };
    let next = page.next.unwrap();
    assert!(matches!(index.search(&other, 10, Some(&next)).await, Err(QueryError::Cursor(_))));
    let forged: Cursor = "AAAA".parse().unwrap();
    assert!(matches!(index.search(&Search::default(), 10, Some(&forged)).await, Err(QueryError::Cursor(_))));
    let upside_down = Search { from: Some(NOW), until: Some(NOW - 1), ..Search::default() };
    assert_eq!(index.search(&upside_down, 10, None).await.unwrap().events, vec![]);
}
