//! What the store keeps comes back as it was given, under the conditions that were set.

use std::time::Duration;

use toolgate_store::{
    Change, FileNames, GrantSpec, Kind, ManagedBy, Minted, NameStyle, Page, Protocol, Reach, ServerSpec,
    StoreError, Syntax,
};

use crate::bench::{Bench, NOW, binding, document, hash, http, secret, secrets};

#[tokio::test]
async fn a_server_is_kept_and_its_secrets_are_not_shown() {
    let bench = Bench::new().await;
    let (store, file) = (&bench.store, FileNames::default());
    let change = Change::new("alice", NOW, &file);
    let spec = http("https://example.com/mcp");
    let made = store
        .servers()
        .create("s1", &spec, &secrets(&[("X-Api-Key", Some("canary-one"))]), &change)
        .await
        .unwrap();
    assert_eq!((made.name.as_str(), &made.spec), ("s1", &spec));
    assert_eq!(made.secrets, ["X-Api-Key"]);
    assert_eq!((made.meta.created, made.meta.updated, made.meta.author.as_str()), (NOW, NOW, "alice"));
    assert_eq!(store.servers().get("s1").await.unwrap(), made);
    let shown = format!("{made:?} {:?}", store.servers().open("s1").await.unwrap());
    assert!(!shown.contains("canary-one"), "{shown}");
    let opened = store.servers().open("s1").await.unwrap().secrets;
    assert_eq!(opened, [("X-Api-Key".to_owned(), secret("canary-one"))]);
    bench.store.close().await;
    assert!(!bench.bytes().contains("canary-one"));
}

#[tokio::test]
async fn a_command_is_kept_whole() {
    let bench = Bench::new().await;
    let file = FileNames::default();
    let change = Change::new("alice", NOW, &file);
    let spec = ServerSpec {
        reach: Reach::Command {
            program: "/usr/bin/imagegen-mcp".to_owned(),
            args: vec!["stdio".to_owned(), "\"quoted\" \u{1f600}".to_owned()],
            shared: true,
        },
        protocol: Protocol::Legacy,
        timeout: Duration::from_micros(1),
        max_duration: Duration::from_hours(3),
        enabled: false,
    };
    let secrets = secrets(&[("TOKEN", Some("v"))]);
    let made = bench.store.servers().create("child", &spec, &secrets, &change).await.unwrap();
    assert_eq!(made.spec, spec);
    assert_eq!(bench.store.servers().list(Page::ALL).await.unwrap(), [made]);
}

#[tokio::test]
async fn secrets_are_replaced_one_by_one_and_do_not_follow_another_address() {
    let bench = Bench::new().await;
    let (servers, file) = (bench.store.servers(), FileNames::default());
    let change = Change::new("alice", NOW, &file);
    let spec = http("https://good.example/mcp");
    servers.create("s", &spec, &secrets(&[("A", Some("1")), ("B", Some("2"))]), &change).await.unwrap();
    let server = servers.set_secrets("s", &secrets(&[("B", Some("3"))]), &change).await.unwrap();
    assert_eq!(server.secrets, ["A", "B"]);
    let opened = servers.open("s").await.unwrap().secrets;
    assert_eq!(opened, [("A".to_owned(), secret("1")), ("B".to_owned(), secret("3"))]);

    let elsewhere = http("https://evil.example/mcp");
    let error = servers.update("s", &elsewhere, &secrets(&[("A", Some("1"))]), &change).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server `s` is reached in another way now: enter `B` again, or remove them"
    );
    assert_eq!(servers.get("s").await.unwrap(), server);
    let moved =
        servers.update("s", &elsewhere, &secrets(&[("A", Some("9")), ("B", None)]), &change).await.unwrap();
    assert_eq!(moved.secrets, ["A"]);
    assert_eq!(servers.open("s").await.unwrap().secrets, [("A".to_owned(), secret("9"))]);
    let error = servers.set_secrets("s", &secrets(&[("B", None)]), &change).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { kind: Kind::Secret, .. }), "{error}");
    for bad in ["", "a b", "a=b", "é", "a\n"] {
        let error = servers.set_secrets("s", &secrets(&[(bad, Some("x"))]), &change).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_change_of_what_was_changed_meanwhile_is_refused() {
    let bench = Bench::new().await;
    let (servers, file) = (bench.store.servers(), FileNames::default());
    let change = Change::new("alice", NOW, &file);
    let spec = http("https://example.com/mcp");
    let first = servers.create("s", &spec, &secrets(&[]), &change).await.unwrap();
    let known = change.if_revision(first.meta.revision);
    let second = servers.update("s", &spec, &secrets(&[]), &known).await.unwrap();
    assert!(second.meta.revision > first.meta.revision);
    let error = servers.update("s", &spec, &secrets(&[]), &known).await.unwrap_err();
    let StoreError::Conflict { kind: Kind::Server, name, current } = error else { panic!("{error}") };
    assert_eq!((name.as_str(), current), ("s", second.meta.revision));
    assert!(matches!(servers.remove("s", &known).await, Err(StoreError::Conflict { .. })));
    servers.remove("s", &change.if_revision(second.meta.revision)).await.unwrap();
    // One of the same name is another one: what was known of the first does not fit it.
    let third = servers.create("s", &spec, &secrets(&[]), &change).await.unwrap();
    assert!(third.meta.revision > second.meta.revision);
    assert!(servers.open("s").await.unwrap().secrets.is_empty());
}

#[tokio::test]
async fn what_the_file_manages_is_neither_made_nor_changed() {
    let bench = Bench::new().await;
    let names = || ["taken".to_owned()].into();
    let file = FileNames {
        path: "/etc/toolgate.yaml".into(),
        servers: names(),
        policies: names(),
        grants: names(),
        unread: false,
    };
    let change = Change::new("alice", NOW, &file);
    let (servers, policies, grants) = (bench.store.servers(), bench.store.policies(), bench.store.grants());
    let spec = http("https://example.com/mcp");
    let refused = [
        servers.create("taken", &spec, &secrets(&[]), &change).await.unwrap_err(),
        policies.create("taken", &document("{}"), &change).await.unwrap_err(),
        grants.create("taken", &GrantSpec::default(), hash(1), &change).await.unwrap_err(),
    ];
    for error in refused {
        let StoreError::NameTaken { managed_by: ManagedBy::File(path), .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(path.to_str(), Some("/etc/toolgate.yaml"));
        assert!(error.to_string().contains("managed by the file /etc/toolgate.yaml"), "{error}");
    }
    let refused = [
        servers.update("taken", &spec, &secrets(&[]), &change).await.unwrap_err(),
        servers.set_secrets("taken", &secrets(&[]), &change).await.unwrap_err(),
        servers.remove("taken", &change).await.unwrap_err(),
        policies.add_version("taken", &document("{}"), &change).await.unwrap_err(),
        policies.remove("taken", &change).await.unwrap_err(),
        grants.update("taken", &GrantSpec::default(), &change).await.unwrap_err(),
        grants.attach("taken", &binding("s", "p"), &change).await.unwrap_err(),
        grants.detach("taken", "s", &change).await.unwrap_err(),
    ];
    for error in refused {
        assert!(matches!(error, StoreError::ManagedByFile { .. }), "{error}");
        assert!(error.to_string().ends_with("managed by the file /etc/toolgate.yaml: change it there"));
    }
}

#[tokio::test]
async fn every_version_of_a_policy_stays() {
    let bench = Bench::new().await;
    let (policies, file) = (bench.store.policies(), FileNames::default());
    let change = Change::new("alice", NOW, &file);
    policies.create("p", &document("{\"a\": 1}"), &change).await.unwrap();
    let mut second = document("a: 2 # why\n");
    second.syntax = Syntax::Yaml;
    second.comment = Some("because".to_owned());
    let policy = policies.add_version("p", &second, &Change::new("bob", NOW - 5, &file)).await.unwrap();
    assert_eq!((policy.current.number, &policy.current.document), (2, &second));
    assert_eq!((policy.current.author.as_str(), policy.meta.author.as_str()), ("bob", "bob"));
    assert_eq!((policy.meta.created, policy.meta.updated), (NOW, NOW - 5));
    let versions = policies.versions("p", None, 10).await.unwrap();
    assert_eq!(versions.iter().map(|v| v.number).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(policies.versions("p", Some(2), 10).await.unwrap(), versions[1..]);
    assert_eq!(policies.version("p", 1).await.unwrap(), versions[1]);
    assert!(policies.version("p", 3).await.is_err());
    policies.remove("p", &change).await.unwrap();
    assert!(policies.get("p").await.is_err() && policies.list(Page::ALL).await.unwrap().is_empty());
    let found = policies.version_by_hash(&second.hash).await.unwrap();
    assert_eq!(found.unwrap(), versions[0]);
    let again = policies.create("p", &document("{}"), &change).await.unwrap();
    assert_eq!((again.current.number, policies.versions("p", None, 9).await.unwrap().len()), (1, 1));
}

#[tokio::test]
async fn a_grant_is_kept_with_its_tokens() {
    let bench = Bench::new().await;
    let (grants, file) = (bench.store.grants(), FileNames::default());
    let change = Change::new("alice", NOW, &file);
    let spec = GrantSpec {
        servers: vec![binding("z", "p"), binding("a", "q")],
        expires: Some(NOW + 10),
        tags: vec!["ci".to_owned(), "\"".to_owned()],
        names: NameStyle::Underscore,
    };
    let made = grants.create("g", &spec, hash(1), &change).await.unwrap();
    assert_eq!((&made.spec, made.managed_by_file), (&spec, false));
    assert_eq!(
        made.tokens.iter().map(|t| (t.hash, t.created, t.ends)).collect::<Vec<_>>(),
        [(hash(1), NOW, None)]
    );
    let error = grants.create("g", &spec, hash(2), &change).await.unwrap_err();
    assert!(matches!(error, StoreError::NameTaken { managed_by: ManagedBy::Api, .. }), "{error}");
    let error = grants.create("h", &spec, hash(1), &change).await.unwrap_err();
    assert!(matches!(error, StoreError::TokenTaken), "{error}");

    // The old token stays for a while, then both go when the next rotation comes.
    let grant = grants.rotate("g", hash(2), NOW + 5, &change).await.unwrap();
    let ends: Vec<_> = grant.tokens.iter().map(|t| (t.hash, t.ends)).collect();
    assert_eq!(ends, [(hash(1), Some(NOW + 5)), (hash(2), None)]);
    let later = Change::new("alice", NOW + 5, &file);
    let grant = grants.rotate("g", hash(3), NOW + 5, &later).await.unwrap();
    assert_eq!(grant.tokens.iter().map(|t| t.hash).collect::<Vec<_>>(), [hash(3)]);

    let grant = grants.attach("g", &binding("a", "r"), &change).await.unwrap();
    assert_eq!(grant.spec.servers, [binding("z", "p"), binding("a", "r")]);
    let error = bench.store.servers().get("z").await.unwrap_err();
    assert_eq!(error.to_string(), "there is no server `z`");
    let grant = grants.detach("g", "z", &change).await.unwrap();
    assert_eq!(grant.spec.servers, [binding("a", "r")]);
    assert!(grants.detach("g", "z", &change).await.is_err());
    let twice = GrantSpec { servers: vec![binding("a", "p"), binding("a", "q")], ..GrantSpec::default() };
    assert!(matches!(grants.update("g", &twice, &change).await, Err(StoreError::Invalid { .. })));
    assert_eq!(grants.get("g").await.unwrap(), grant);
    grants.revoke("g", &change).await.unwrap();
    assert!(grants.get("g").await.is_err() && grants.tombstones().await.unwrap().is_empty());
    assert!(matches!(grants.revoke("g", &change).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn servers_and_policies_in_use_stay() {
    let bench = Bench::new().await;
    let file = FileNames::default();
    let change = Change::new("alice", NOW, &file);
    let (servers, policies, grants) = (bench.store.servers(), bench.store.policies(), bench.store.grants());
    servers.create("s", &http("https://example.com/mcp"), &secrets(&[]), &change).await.unwrap();
    policies.create("p", &document("{}"), &change).await.unwrap();
    let spec = GrantSpec { servers: vec![binding("s", "p")], ..GrantSpec::default() };
    grants.create("g", &spec, hash(1), &change).await.unwrap();
    let error = servers.remove("s", &change).await.unwrap_err();
    assert_eq!(error.to_string(), "the server `s` is in use by `g`: detach it there first");
    assert!(matches!(policies.remove("p", &change).await, Err(StoreError::InUse { .. })));
    grants.detach("g", "s", &change).await.unwrap();
    servers.remove("s", &change).await.unwrap();
    policies.remove("p", &change).await.unwrap();
}

#[tokio::test]
async fn a_grant_of_the_file_has_its_token_here_and_its_tombstone_wins() {
    let bench = Bench::new().await;
    let grants = bench.store.grants();
    let file = FileNames { grants: ["f".to_owned()].into(), ..FileNames::default() };
    let change = Change::new("gateway", NOW, &file);
    let minted = grants.mint_for_file("f", hash(1), &change).await.unwrap();
    let Minted::Now(grant) = minted else { panic!("{minted:?}") };
    assert!(grant.managed_by_file);
    let minted = grants.mint_for_file("f", hash(2), &change).await.unwrap();
    assert_eq!(minted, Minted::Before(grant));
    grants.rotate("f", hash(3), NOW, &change).await.unwrap();
    grants.revoke("f", &change).await.unwrap();
    grants.revoke("f", &Change::new("gateway", NOW + 1, &file)).await.unwrap();
    let tombstones = grants.tombstones().await.unwrap();
    assert_eq!(tombstones.iter().map(|t| (t.label.as_str(), t.revoked)).collect::<Vec<_>>(), [("f", NOW)]);
    let error = grants.mint_for_file("f", hash(4), &change).await.unwrap_err();
    assert!(matches!(error, StoreError::Revoked { .. }), "{error}");
    // Where the file cannot be read, it might have the grant.
    let unread = FileNames { unread: true, ..FileNames::default() };
    grants.revoke("maybe", &Change::new("cli", NOW, &unread)).await.unwrap();
    assert_eq!(grants.tombstones().await.unwrap().len(), 2);
}

#[tokio::test]
async fn lists_are_paged_by_name() {
    let bench = Bench::new().await;
    let (grants, file) = (bench.store.grants(), FileNames::default());
    let change = Change::new("alice", NOW, &file);
    for (n, label) in (0_u8..).zip(["d", "a", "c", "b"]) {
        let spec = GrantSpec { servers: vec![binding(label, "p")], ..GrantSpec::default() };
        grants.create(label, &spec, hash(n), &change).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = grants.list(Page { after: after.as_deref(), limit: 3 }).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.label.clone());
        seen.extend(page.into_iter().map(|g| (g.label, g.spec.servers[0].server.clone(), g.tokens.len())));
    }
    let expected = ["a", "b", "c", "d"].map(|label| (label.to_owned(), label.to_owned(), 1));
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn names_that_cannot_be_are_refused() {
    let bench = Bench::new().await;
    let file = FileNames::default();
    let change = Change::new("alice", NOW, &file);
    for name in ["", "a b", "a/b", "é", "a\u{0}", &"x".repeat(65)] {
        let spec = http("https://example.com/mcp");
        let error = bench.store.servers().create(name, &spec, &secrets(&[]), &change).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
        let error = bench.store.policies().create(name, &document("{}"), &change).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
        let spec = GrantSpec::default();
        let error = bench.store.grants().create(name, &spec, hash(1), &change).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
    }
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_restart() {
    let bench = Bench::new().await;
    let file = FileNames::default();
    let change = Change::new("alice", NOW, &file);
    let secrets = secrets(&[("A", Some("1"))]);
    let spec = http("https://example.com/mcp");
    let made = bench.store.servers().create("s", &spec, &secrets, &change).await.unwrap();
    let changes = bench.store.changes().await.unwrap();
    let bench = bench.reopened().await;
    assert_eq!(bench.store.changes().await.unwrap(), changes);
    let opened = bench.store.servers().open("s").await.unwrap();
    assert_eq!((opened.server, opened.secrets), (made, vec![("A".to_owned(), secret("1"))]));
}
