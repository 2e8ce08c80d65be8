//! People, tokens of the admin API, links, sessions, approvals and pins.

use toolgate_store::{
    ApprovalState, Call, Change, FileNames, GrantSpec, Kind, Link, NewSession, Page, PinState, Role,
    StoreError, Uses, Verdict,
};

use crate::bench::{Bench, NOW, hash};

fn link(n: u8, user: &str, role: Role) -> Link {
    Link { hash: hash(n), user: user.to_owned(), role, expires: NOW + 100 }
}

fn session(n: u8) -> NewSession {
    NewSession { hash: hash(n), csrf: hash(200), idle_expires: NOW + 10, expires: NOW + 100 }
}

fn call(grant: &str) -> Call {
    Call {
        grant: grant.to_owned(),
        server: "shop".to_owned(),
        tool: "refund".to_owned(),
        argument_hash: "a".to_owned(),
        definition_hash: "d".to_owned(),
    }
}

#[test]
fn roles_are_ordered() {
    assert!(Role::Viewer < Role::PolicyManager && Role::PolicyManager < Role::Admin);
    assert_eq!(Role::parse("policy_manager"), Some(Role::PolicyManager));
    assert_eq!(Role::parse("Admin"), None);
}

#[tokio::test]
async fn a_link_signs_in_once_whatever_the_clock_does() {
    let bench = Bench::new().await;
    let sign_in = bench.store.sign_in();
    sign_in.add_link(&link(1, "alice", Role::Admin), NOW).await.unwrap();
    let (first, second) = (session(2), session(3));
    let (a, b) = tokio::join!(sign_in.redeem(hash(1), &first, NOW), sign_in.redeem(hash(1), &second, NOW));
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    // Neither later nor with a clock that was set back.
    for now in [NOW + 1, NOW - 1_000_000, i64::MIN, i64::MAX] {
        let error = sign_in.redeem(hash(1), &session(4), now).await.unwrap_err();
        assert!(matches!(error, StoreError::NotFound { kind: Kind::SignInLink, .. }), "{error}");
    }
    let error = sign_in.redeem(hash(9), &session(4), NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { kind: Kind::SignInLink, .. }), "{error}");
    sign_in.add_link(&link(5, "alice", Role::Admin), NOW).await.unwrap();
    assert!(sign_in.redeem(hash(5), &session(6), NOW + 100).await.is_err(), "it is over");
    let again = sign_in.add_link(&link(1, "alice", Role::Admin), NOW).await;
    assert!(matches!(again, Err(StoreError::TokenTaken)), "{again:?}");
}

#[tokio::test]
async fn a_session_ends_when_idle_and_in_any_case() {
    let bench = Bench::new().await;
    let sign_in = bench.store.sign_in();
    let begun = sign_in.begin(&session(1), ("alice", Role::Viewer), NOW).await.unwrap();
    assert_eq!(sign_in.find(hash(1), NOW + 9).await.unwrap(), Some(begun));
    assert_eq!(sign_in.find(hash(1), NOW + 10).await.unwrap(), None);
    let used = |until| Uses { sessions: vec![(hash(1), until), (hash(99), until)], ..Uses::default() };
    let changes = bench.store.changes().await.unwrap();
    bench.store.note_uses(&used(NOW + 1_000)).await.unwrap();
    bench.store.note_uses(&used(NOW + 50)).await.unwrap();
    assert_eq!(bench.store.changes().await.unwrap(), changes, "a use is no change");
    assert!(sign_in.find(hash(1), NOW + 99).await.unwrap().is_some());
    assert_eq!(sign_in.find(hash(1), NOW + 100).await.unwrap(), None);
    assert_eq!(sign_in.sweep(NOW + 99).await.unwrap(), 0);
    assert_eq!(sign_in.sweep(NOW + 100).await.unwrap(), 1);
    sign_in.begin(&session(1), ("alice", Role::Viewer), NOW).await.unwrap();
    let taken = sign_in.begin(&session(1), ("bob", Role::Admin), NOW).await;
    assert!(matches!(taken, Err(StoreError::TokenTaken)), "{taken:?}");
    sign_in.end(hash(1)).await.unwrap();
    assert_eq!(sign_in.find(hash(1), NOW).await.unwrap(), None);
    sign_in.end(hash(1)).await.unwrap();
}

#[tokio::test]
async fn another_role_acts_on_sessions_that_are_open() {
    let bench = Bench::new().await;
    let (users, sign_in, file) = (bench.store.users(), bench.store.sign_in(), FileNames::default());
    let change = Change::new("root", NOW, &file);
    let alice = users.create("alice@example.com", Role::Admin, &change).await.unwrap();
    let taken = users.create("alice@example.com", Role::Viewer, &change).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { .. })), "{taken:?}");
    assert!(users.create("alice bob", Role::Viewer, &change).await.is_err());
    sign_in.begin(&session(1), (&alice.name, Role::Admin), NOW).await.unwrap();
    sign_in.add_link(&link(2, &alice.name, Role::Admin), NOW).await.unwrap();
    let known = change.if_revision(alice.meta.revision);
    let alice = users.set_role(&alice.name, Role::Viewer, &known).await.unwrap();
    assert_eq!(sign_in.find(hash(1), NOW).await.unwrap().unwrap().role, Role::Viewer);
    assert_eq!(sign_in.redeem(hash(2), &session(3), NOW).await.unwrap().role, Role::Viewer);
    let stale = users.set_role(&alice.name, Role::Admin, &known).await;
    assert!(matches!(stale, Err(StoreError::Conflict { .. })), "{stale:?}");
    assert_eq!(users.list(Page::ALL).await.unwrap(), std::slice::from_ref(&alice));
    users.remove(&alice.name, &change).await.unwrap();
    assert!(users.get(&alice.name).await.is_err());
    for n in [1, 3] {
        assert_eq!(sign_in.find(hash(n), NOW).await.unwrap(), None);
    }
}

#[tokio::test]
async fn admin_tokens_and_grant_tokens_are_never_the_same() {
    let bench = Bench::new().await;
    let (tokens, grants, file) = (bench.store.admin_tokens(), bench.store.grants(), FileNames::default());
    let change = Change::new("root", NOW, &file);
    let made = tokens.create("ci", hash(1), (Role::Viewer, Some(NOW + 10)), &change).await.unwrap();
    assert_eq!(tokens.find(hash(1), NOW + 9).await.unwrap(), Some(made.clone()));
    assert_eq!(tokens.find(hash(1), NOW + 10).await.unwrap(), None);
    assert_eq!(tokens.find(hash(2), NOW).await.unwrap(), None);
    let taken = grants.create("g", &GrantSpec::default(), hash(1), &change).await;
    assert!(matches!(taken, Err(StoreError::TokenTaken)), "{taken:?}");
    grants.create("g", &GrantSpec::default(), hash(2), &change).await.unwrap();
    for (label, token) in [("other", hash(1)), ("other", hash(2))] {
        let taken = tokens.create(label, token, (Role::Admin, None), &change).await;
        assert!(matches!(taken, Err(StoreError::TokenTaken)), "{taken:?}");
    }
    let taken = tokens.create("ci", hash(3), (Role::Admin, None), &change).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { .. })), "{taken:?}");

    let uses =
        Uses { grant_tokens: vec![(hash(2), NOW)], admin_tokens: vec![(hash(1), NOW)], ..Uses::default() };
    bench.store.note_uses(&uses).await.unwrap();
    let earlier = Uses { grant_tokens: vec![(hash(2), NOW - 1)], ..Uses::default() };
    bench.store.note_uses(&earlier).await.unwrap();
    assert_eq!(grants.get("g").await.unwrap().tokens.first().unwrap().last_used, Some(NOW));
    assert_eq!(tokens.list(Page::ALL).await.unwrap().first().unwrap().last_used, Some(NOW));
    tokens.revoke("ci", &change.if_revision(made.meta.revision)).await.unwrap();
    assert_eq!(tokens.find(hash(1), NOW).await.unwrap(), None);
}

#[tokio::test]
async fn an_approval_lets_its_own_call_through_once() {
    let bench = Bench::new().await;
    let (approvals, file) = (bench.store.approvals(), FileNames::default());
    let change = Change::new("alice", NOW, &file);
    let asked = approvals.ask("id-1", &call("g"), NOW + 10, NOW).await.unwrap();
    assert_eq!(asked.state, ApprovalState::Pending);
    assert!(!approvals.take("id-1", &call("g"), NOW).await.unwrap(), "nobody decided");
    let taken = approvals.ask("id-1", &call("h"), NOW + 10, NOW).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { .. })), "{taken:?}");
    let decided = approvals.decide("id-1", Verdict::Approve, Some("fine"), &change).await.unwrap();
    assert_eq!((decided.state, decided.decided), (ApprovalState::Approved, Some(NOW)));
    assert_eq!((decided.decided_by.as_deref(), decided.comment.as_deref()), (Some("alice"), Some("fine")));
    let error = approvals.decide("id-1", Verdict::Deny, None, &change).await.unwrap_err();
    assert_eq!(error.to_string(), "the approval `id-1` is approved: it can no longer be decided");

    let mut others = vec![call("h"); 5];
    others[1] = Call { server: "x".to_owned(), ..call("g") };
    others[2] = Call { tool: "x".to_owned(), ..call("g") };
    others[3] = Call { argument_hash: "x".to_owned(), ..call("g") };
    others[4] = Call { definition_hash: "x".to_owned(), ..call("g") };
    for other in others {
        assert!(!approvals.take("id-1", &other, NOW).await.unwrap(), "{other:?}");
    }
    assert!(!approvals.take("id-1", &call("g"), NOW + 10).await.unwrap(), "it is over");
    let own = call("g");
    let (a, b) = tokio::join!(approvals.take("id-1", &own, NOW), approvals.take("id-1", &own, NOW));
    assert!(a.unwrap() != b.unwrap());
    let bench = bench.reopened().await;
    assert!(!bench.store.approvals().take("id-1", &own, NOW).await.unwrap(), "used stays used");
    bench.store.approvals().give_back("id-1").await.unwrap();
    assert!(bench.store.approvals().take("id-1", &own, NOW).await.unwrap());
}

#[tokio::test]
async fn approvals_are_listed_as_they_were_asked_and_end_in_time() {
    let bench = Bench::new().await;
    let (approvals, file) = (bench.store.approvals(), FileNames::default());
    // The clock goes back meanwhile.
    for (id, now) in [("one", NOW), ("two", NOW - 50), ("three", NOW - 20)] {
        approvals.ask(id, &call("g"), now + 10, now).await.unwrap();
    }
    let ids = |found: Vec<toolgate_store::Approval>| {
        found.into_iter().map(|approval| approval.id).collect::<Vec<_>>()
    };
    let page = approvals.list(None, None, 2).await.unwrap();
    let last = page.last().map(|approval| approval.sequence);
    assert_eq!(ids(page), ["three", "two"]);
    assert_eq!(ids(approvals.list(None, last, 2).await.unwrap()), ["one"]);
    let late = Change::new("alice", NOW, &file);
    let error = approvals.decide("two", Verdict::Approve, None, &late).await.unwrap_err();
    assert!(matches!(error, StoreError::Decided { state: "expired", .. }), "{error}");
    assert_eq!(approvals.expire(NOW).await.unwrap(), 2);
    let changes = bench.store.changes().await.unwrap();
    assert_eq!(approvals.expire(NOW).await.unwrap(), 0);
    assert_eq!(bench.store.changes().await.unwrap(), changes);
    assert_eq!(ids(approvals.list(Some(ApprovalState::Pending), None, 9).await.unwrap()), ["one"]);
    assert!(matches!(approvals.get("four").await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn a_pin_is_set_changed_and_forgotten() {
    let bench = Bench::new().await;
    let (pins, file) = (bench.store.pins(), FileNames::default());
    let change = Change::new("alice", NOW, &file);
    let pin = pins.set(("s", "a tool/é"), "h1", PinState::Pinned, &change.if_revision(0)).await.unwrap();
    let again = pins.set(("s", "a tool/é"), "h2", PinState::Pinned, &change.if_revision(0)).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    let known = change.if_revision(pin.meta.revision);
    let pin = pins.set(("s", "a tool/é"), "h1", PinState::Quarantined, &known).await.unwrap();
    assert_eq!((pin.state, pin.definition_hash.as_str()), (PinState::Quarantined, "h1"));
    assert_eq!(pins.get("s", "a tool/é").await.unwrap(), pin);
    assert_eq!(pins.list("s").await.unwrap(), [pin]);
    assert!(pins.list("t").await.unwrap().is_empty());
    pins.remove("s", "a tool/é", &change).await.unwrap();
    assert!(matches!(pins.remove("s", "a tool/é", &change).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn a_setting_is_json() {
    let bench = Bench::new().await;
    let (settings, file) = (bench.store.settings(), FileNames::default());
    let change = Change::new("alice", NOW, &file);
    let text = "{ \"b\" : 1.000, \"a\": \"\\u00e9\" }";
    assert_eq!(settings.set("k", text, &change).await.unwrap().value, text);
    for bad in ["", "{", "nul", "1 2"] {
        let error = settings.set("k", bad, &change).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
    }
    assert_eq!(settings.get("k").await.unwrap().value, text);
}

#[tokio::test]
async fn changes_are_told_by_what_they_are_about() {
    let bench = Bench::new().await;
    let (store, file) = (&bench.store, FileNames::default());
    let other = toolgate_store::Store::open(toolgate_store::Options::new(bench.dir.path())).await.unwrap();
    let change = Change::new("alice", NOW, &file);
    let before = other.changes().await.unwrap();
    store.settings().set("k", "1", &change).await.unwrap();
    let calls = other.changes().await.unwrap();
    assert!(calls.calls > before.calls && calls.people == before.people);
    store.users().create("u", Role::Viewer, &change).await.unwrap();
    let people = other.changes().await.unwrap();
    assert!(people.people > calls.people && people.calls == calls.calls);
    store.approvals().ask("i", &call("g"), NOW + 1, NOW).await.unwrap();
    let approvals = other.changes().await.unwrap();
    assert!(approvals.approvals > people.approvals && approvals.people == people.people);
    store.users().create("u", Role::Viewer, &change).await.unwrap_err();
    assert_eq!(other.changes().await.unwrap(), approvals, "what was refused changed nothing");
}
