//! Random changes, held against maps in memory: the same outcomes, the same contents, the same revisions.

mod plain;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;
use toolgate_store::{Change, Expect, FileNames, GrantSpec, Minted, StoreError};

use crate::bench::{Bench, binding, document, hash, http, secrets};
use plain::Model;

/// How a caller knows the revision of what it changes.
#[derive(Clone, Copy, Debug)]
enum Knows {
    Nothing,
    Current,
    Old,
}

type SecretWish = (&'static str, Option<&'static str>);

#[derive(Clone, Debug)]
enum Step {
    CreateServer(&'static str, &'static str, Vec<SecretWish>),
    UpdateServer(&'static str, &'static str, Vec<SecretWish>, Knows),
    RemoveServer(&'static str, Knows),
    CreatePolicy(&'static str, &'static str),
    AddVersion(&'static str, &'static str, Knows),
    RemovePolicy(&'static str, Knows),
    CreateGrant(&'static str, Vec<(&'static str, &'static str)>, u8),
    Attach(&'static str, (&'static str, &'static str), Knows),
    Detach(&'static str, &'static str, Knows),
    Rotate(&'static str, u8, i64, Knows),
    Revoke(&'static str, Knows),
    Mint(&'static str, u8),
    Set(&'static str, &'static str, Knows),
    Unset(&'static str, Knows),
    Reopen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    Unchanged,
    NotFound,
    Taken,
    OfFile,
    Conflict,
    InUse,
    SecretsNeeded,
    TokenTaken,
    Invalid,
    Revoked,
}

fn outcome<T>(result: Result<T, StoreError>) -> Outcome {
    match result {
        Ok(_) => Outcome::Done,
        Err(StoreError::NotFound { .. }) => Outcome::NotFound,
        Err(StoreError::NameTaken { .. }) => Outcome::Taken,
        Err(StoreError::ManagedByFile { .. }) => Outcome::OfFile,
        Err(StoreError::Conflict { .. }) => Outcome::Conflict,
        Err(StoreError::InUse { .. }) => Outcome::InUse,
        Err(StoreError::SecretsNeeded { .. }) => Outcome::SecretsNeeded,
        Err(StoreError::TokenTaken) => Outcome::TokenTaken,
        Err(StoreError::Invalid { .. }) => Outcome::Invalid,
        Err(StoreError::Revoked { .. }) => Outcome::Revoked,
        Err(other) => panic!("{other}"),
    }
}

impl Knows {
    fn check(self) -> Result<(), Outcome> {
        match self {
            Self::Nothing | Self::Current => Ok(()),
            Self::Old => Err(Outcome::Conflict),
        }
    }
}

impl Step {
    fn knows(&self) -> Knows {
        match self {
            Self::UpdateServer(.., knows)
            | Self::RemoveServer(_, knows)
            | Self::AddVersion(.., knows)
            | Self::RemovePolicy(_, knows)
            | Self::Attach(.., knows)
            | Self::Detach(.., knows)
            | Self::Rotate(.., knows)
            | Self::Revoke(_, knows)
            | Self::Set(.., knows)
            | Self::Unset(_, knows) => *knows,
            _ => Knows::Nothing,
        }
    }
}

async fn run(bench: &Bench, step: &Step, change: &Change<'_>) -> Outcome {
    let (servers, policies) = (bench.store.servers(), bench.store.policies());
    let (grants, settings) = (bench.store.grants(), bench.store.settings());
    match step {
        Step::CreateServer(name, url, wishes) => {
            outcome(servers.create(name, &http(url), &secrets(wishes), change).await)
        }
        Step::UpdateServer(name, url, wishes, _) => {
            outcome(servers.update(name, &http(url), &secrets(wishes), change).await)
        }
        Step::RemoveServer(name, _) => outcome(servers.remove(name, change).await),
        Step::CreatePolicy(name, text) => outcome(policies.create(name, &document(text), change).await),
        Step::AddVersion(name, text, _) => outcome(policies.add_version(name, &document(text), change).await),
        Step::RemovePolicy(name, _) => outcome(policies.remove(name, change).await),
        Step::CreateGrant(label, servers, token) => {
            let servers = servers.iter().map(|(s, p)| binding(s, p)).collect();
            let spec = GrantSpec { servers, ..GrantSpec::default() };
            outcome(grants.create(label, &spec, hash(*token), change).await)
        }
        Step::Attach(label, (server, policy), _) => {
            outcome(grants.attach(label, &binding(server, policy), change).await)
        }
        Step::Detach(label, server, _) => outcome(grants.detach(label, server, change).await),
        Step::Rotate(label, token, overlap, _) => {
            outcome(grants.rotate(label, hash(*token), change.now + overlap, change).await)
        }
        Step::Revoke(label, _) => outcome(grants.revoke(label, change).await),
        Step::Mint(label, token) => match grants.mint_for_file(label, hash(*token), change).await {
            Ok(Minted::Before(_)) => Outcome::Unchanged,
            other => outcome(other),
        },
        Step::Set(key, value, _) => outcome(settings.set(key, value, change).await),
        Step::Unset(key, _) => outcome(settings.remove(key, change).await),
        Step::Reopen => Outcome::Unchanged,
    }
}

async fn hold_against_model(steps: Vec<(Step, i64)>) {
    let mut bench = Bench::new().await;
    let mut model = Model::default();
    let file = FileNames { grants: ["filed".to_owned()].into(), ..FileNames::default() };
    for (step, now) in steps {
        let mut change = Change::new("somebody", now, &file);
        change.expect = match step.knows() {
            Knows::Nothing => Expect::Any,
            Knows::Current => Expect::Revision(model.known(&step)),
            Knows::Old => Expect::Revision(model.known(&step) - 1),
        };
        let expected = model.apply(&step, now);
        assert_eq!(run(&bench, &step, &change).await, expected, "{step:?}");
        if matches!(step, Step::Reopen) {
            bench = bench.reopened().await;
        }
        let mut histories = BTreeMap::new();
        for name in model.policies.keys() {
            let mut versions = bench.store.policies().versions(name, None, 100).await.unwrap();
            versions.reverse();
            let texts = versions.into_iter().map(|version| version.document.text).collect();
            histories.insert(name.clone(), texts);
        }
        let contents = bench.store.contents().await.unwrap();
        assert_eq!(contents.changes.calls, model.revision);
        assert_eq!(Model::of(contents, model.revision, histories), model, "after {step:?}");
    }
    assert_eq!(bench.store.faults().await.unwrap(), Vec::<String>::new());
}

fn step() -> impl Strategy<Value = Step> {
    let server = || select(vec!["s1", "s2"]);
    let policy = || select(vec!["p1", "p2"]);
    let label = || select(vec!["a", "b", "filed"]);
    let url = || select(vec!["http://one.test/", "http://two.test/?key=a", "http://two.test/?key=b"]);
    let text = || select(vec!["{}", "{\"x\": 1}"]);
    let key = || select(vec!["k1", "k2"]);
    let wish = (select(vec!["A", "B"]), select(vec![None, Some("one"), Some("two")]));
    let wishes = || prop::collection::vec(wish.clone(), 0..3);
    let knows = || select(vec![Knows::Nothing, Knows::Current, Knows::Old]);
    let pair = || (server(), policy());
    prop_oneof![
        (server(), url(), wishes()).prop_map(|(a, b, c)| Step::CreateServer(a, b, c)),
        (server(), url(), wishes(), knows()).prop_map(|(a, b, c, d)| Step::UpdateServer(a, b, c, d)),
        (server(), knows()).prop_map(|(a, b)| Step::RemoveServer(a, b)),
        (policy(), text()).prop_map(|(a, b)| Step::CreatePolicy(a, b)),
        (policy(), text(), knows()).prop_map(|(a, b, c)| Step::AddVersion(a, b, c)),
        (policy(), knows()).prop_map(|(a, b)| Step::RemovePolicy(a, b)),
        (label(), prop::collection::vec(pair(), 0..3), 0_u8..9)
            .prop_map(|(a, b, c)| Step::CreateGrant(a, b, c)),
        (label(), pair(), knows()).prop_map(|(a, b, c)| Step::Attach(a, b, c)),
        (label(), server(), knows()).prop_map(|(a, b, c)| Step::Detach(a, b, c)),
        (label(), 0_u8..9, -2_i64..5, knows()).prop_map(|(a, b, c, d)| Step::Rotate(a, b, c, d)),
        (label(), knows()).prop_map(|(a, b)| Step::Revoke(a, b)),
        (label(), 0_u8..9).prop_map(|(a, b)| Step::Mint(a, b)),
        (key(), select(vec!["1", "{\"a\": [true]}"]), knows()).prop_map(|(a, b, c)| Step::Set(a, b, c)),
        (key(), knows()).prop_map(|(a, b)| Step::Unset(a, b)),
        Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// The clock goes back and forth as it likes.
    #[test]
    fn the_store_does_as_the_model(steps in prop::collection::vec((step(), 0_i64..12), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(hold_against_model(steps));
    }
}
