//! Sums, plots and usage, compared with plain counting.

use std::collections::BTreeMap;

use toolgate_index::{By, Event, Index, Plot, QueryError, Scope, Step};

use crate::fixture::{HOUR, NOW, SECOND, Traffic, follow, open_journal};
use crate::reference::{counts, events};

/// Every way to tell calls apart, over all days, gives what plain counting gives.
pub(crate) async fn assert_same_sums(index: &Index, expected: &[Event]) {
    for by in [By::All, By::Server, By::Tool, By::Grant, By::GrantTool, By::Decision] {
        let usage = index.usage(by, &Scope::default(), i64::MIN).await.unwrap();
        let found: BTreeMap<_, _> =
            usage.iter().map(|usage| (key(&usage.key), [usage.calls, usage.denials, usage.errors])).collect();
        assert_eq!(found, counts(expected, |event| key_of(event, by)), "{by:?}");
    }
}

fn key(key: &toolgate_index::Key) -> [Option<String>; 4] {
    [key.server.clone(), key.tool.clone(), key.grant.clone(), key.decision.clone()]
}

fn key_of(event: &Event, by: By) -> [Option<String>; 4] {
    let (server, tool, grant) = (event.server.clone(), event.tool.clone(), event.grant.clone());
    match by {
        By::All => [None, None, None, None],
        By::Server => [server, None, None, None],
        By::Tool => [server, tool, None, None],
        By::Grant => [None, None, grant, None],
        By::GrantTool => [server, tool, grant, None],
        By::Decision => [None, None, None, event.decision.clone()],
    }
}

fn in_scope(event: &Event, scope: &Scope) -> bool {
    let is = |asked: &Option<String>, name: &Option<String>| asked.is_none() || asked == name;
    is(&scope.server, &event.server)
        && is(&scope.tool, &event.tool)
        && is(&scope.grant, &event.grant)
        && is(&scope.decision, &event.decision)
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[tokio::test]
async fn plots_are_what_plain_counting_gives() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    let mut traffic = Traffic::new(7);
    traffic.gap = 60_000_000;
    traffic.write(&journal, 4000);
    let index = follow(directory.path()).await;
    let expected = events(directory.path());
    let (from, until) = (NOW - 40 * HOUR + 17, NOW - 20 * HOUR + 5);
    for (by, scope) in [
        (By::All, Scope::default()),
        (By::Tool, Scope::default()),
        (By::Tool, Scope { grant: text("grant-1"), ..Scope::default() }),
        (By::Grant, Scope { server: text("server-1"), tool: text("tool-2"), ..Scope::default() }),
        (By::Server, Scope { decision: text("deny"), ..Scope::default() }),
        (By::Decision, Scope { server: text("server-0"), ..Scope::default() }),
        (By::GrantTool, Scope { tool: text("tool-0"), ..Scope::default() }),
        (By::Grant, Scope { tool: text("nowhere"), ..Scope::default() }),
    ] {
        for (step, length) in [(Step::Hour, HOUR), (Step::Day, 24 * HOUR)] {
            let plot = Plot { by, scope: scope.clone(), from, until, step, lines: 20 };
            let chart = index.plot(&plot).await.unwrap();
            let mut found = BTreeMap::new();
            for line in &chart.lines {
                for point in &line.points {
                    found.insert((key(&line.key), point.start), [point.calls, point.denials, point.errors]);
                }
            }
            let mut plain = BTreeMap::new();
            let floor = |ts: i64| ts.div_euclid(length) * length;
            let within = |event: &&Event| event.ts >= floor(from) && event.ts < floor(until - 1) + length;
            let starts = expected.iter().filter(within).map(|event| floor(event.ts));
            for start in starts.collect::<std::collections::BTreeSet<_>>() {
                let some: Vec<Event> = expected
                    .iter()
                    .filter(|event| floor(event.ts) == start && in_scope(event, &scope))
                    .cloned()
                    .collect();
                for (key, counts) in counts(&some, |event| key_of(event, by)) {
                    plain.insert((key, start / SECOND), counts);
                }
            }
            let rest: u64 = chart.others.iter().flat_map(|line| &line.points).map(|point| point.calls).sum();
            if by == By::Tool || by == By::GrantTool {
                plain.retain(|(key, _), _| chart.lines.iter().any(|line| self::key(&line.key) == *key));
            }
            assert_eq!(found, plain, "{by:?} {scope:?} {step:?}");
            let told: u64 = found.values().map(|[calls, ..]| calls).sum();
            let all = expected.iter().filter(within);
            let all = all.filter(|event| event.kind == "decision" && in_scope(event, &scope)).count();
            assert_eq!(told + rest, all as u64, "{by:?} {scope:?} {step:?}");
        }
    }
}

#[tokio::test]
async fn the_lines_with_the_most_calls_are_told_and_the_rest_summed_up() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    Traffic::new(3).write(&journal, 2000);
    let index = follow(directory.path()).await;
    let plot = Plot { by: By::Tool, from: 0, until: NOW, step: Step::Day, lines: 3, ..Plot::default() };
    let plot = Plot { from: NOW - 1000 * HOUR, ..plot };
    let chart = index.plot(&plot).await.unwrap();
    let total = |lines: &[toolgate_index::Line]| -> u64 {
        lines.iter().flat_map(|line| &line.points).map(|point| point.calls).sum()
    };
    let ranks: Vec<u64> = index
        .usage(By::Tool, &Scope::default(), i64::MIN)
        .await
        .unwrap()
        .iter()
        .map(|usage| usage.calls)
        .collect();
    let told: Vec<u64> = chart.lines.iter().map(|line| total(std::slice::from_ref(line))).collect();
    assert_eq!(told, ranks[..3]);
    assert_eq!(total(&chart.lines) + total(&[chart.others.unwrap()]), ranks.iter().sum::<u64>());
}

#[tokio::test]
async fn percentiles_and_peaks_are_near_the_truth() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    Traffic::new(11).write(&journal, 5000);
    let index = follow(directory.path()).await;
    let expected = events(directory.path());
    let plot = Plot { from: NOW - 1900 * HOUR, until: NOW, step: Step::Hour, lines: 20, ..Plot::default() };
    // Several sums meet in a point of all calls, and one is in a point of a decision.
    let all = index.plot(&plot).await.unwrap();
    let each = index.plot(&Plot { by: By::Decision, ..plot }).await.unwrap();
    assert!(each.lines.len() > 2);
    let lines = all.lines.iter().chain(each.lines.iter().filter(|line| line.key.decision != text("deny")));
    for (line, point) in lines.flat_map(|line| line.points.iter().map(move |point| (line, point))) {
        let within = |event: &&Event| {
            event.kind == "decision"
                && event.ts.div_euclid(HOUR) == point.start / 3600
                && (line.key.decision.is_none() || line.key.decision == event.decision)
        };
        let mut latencies: Vec<u64> = expected
            .iter()
            .filter(within)
            .filter_map(|event| Some(event.gateway_us? + event.upstream_us.unwrap_or(0)))
            .collect();
        latencies.sort_unstable();
        for (share, told) in [(50, point.p50_us), (95, point.p95_us), (99, point.p99_us)] {
            let exact = latencies.len().checked_sub(1).map(|last| latencies[last * share / 100]);
            let near = |told: u64, exact: u64| told.abs_diff(exact) <= exact / 90 + 1;
            assert_eq!(
                told.zip(exact).map(|(told, exact)| near(told, exact)),
                exact.map(|_| true),
                "{line:?}"
            );
        }
        let mut minutes: BTreeMap<(i64, &Option<String>), u64> = BTreeMap::new();
        let allowed = |event: &&Event| event.decision.as_deref() != Some("deny");
        for event in expected.iter().filter(within).filter(allowed) {
            *minutes.entry((event.ts.div_euclid(60 * SECOND), &event.decision)).or_default() += 1;
        }
        assert_eq!(Some(&point.peak), minutes.values().max());
    }
}

#[tokio::test]
async fn ranges_that_cannot_be_plotted_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(open_journal(directory.path(), |_| {}));
    let index = follow(directory.path()).await;
    for (from, until, step) in
        [(5, 5, Step::Hour), (6, 5, Step::Day), (0, NOW, Step::Hour), (i64::MIN, i64::MAX, Step::Day)]
    {
        let plot = Plot { from, until, step, lines: 5, ..Plot::default() };
        assert!(matches!(index.plot(&plot).await, Err(QueryError::Range(_))), "{from} {until}");
    }
    let plot = Plot { by: By::GrantTool, from: NOW - HOUR, until: NOW, lines: 5, ..Plot::default() };
    assert!(matches!(index.plot(&plot).await, Err(QueryError::TooWide)));
}
