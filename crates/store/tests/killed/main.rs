//! A process that is killed while it writes: what it said was done is done, every secret opens, and what it
//! was at is there whole or not at all. The process is this program itself, told apart by its arguments.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test stops at its first mistake and tells its other half how far it got"
)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use tokio::runtime::Builder;
use toolgate_store::{
    Address, Binding, Change, FileNames, GrantSpec, NextKey, Options, Protocol, Reach, SecretChanges,
    ServerSpec, Store, TokenHash,
};

/// How often the process is killed.
const ROUNDS: usize = 12;

fn main() -> ExitCode {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [word, dir, round] if word == "write" => {
            runtime.block_on(write(Path::new(dir), round.parse().unwrap()));
            ExitCode::SUCCESS
        }
        _ => {
            println!("test a_killed_process_loses_nothing ... ");
            runtime.block_on(kill_and_look());
            println!("ok");
            ExitCode::SUCCESS
        }
    }
}

/// Changes without end: each is told when it is done.
async fn write(dir: &Path, round: usize) {
    let store = Store::open(Options::new(dir)).await.unwrap();
    let file = FileNames::default();
    let change = Change::new("writer", 1, &file);
    for n in 0.. {
        let name = format!("r{round}-{n}");
        let secrets: SecretChanges =
            [("A".to_owned(), Some(format!("secret of {name}").into()))].into_iter().collect();
        store.servers().create(&name, &spec(), &secrets, &change).await.unwrap();
        let bindings = vec![Binding { server: name.clone(), policy: "p".to_owned() }];
        let grant = GrantSpec { servers: bindings, ..GrantSpec::default() };
        store.grants().create(&name, &grant, token(round, n), &change).await.unwrap();
        if n % 2 == 0 {
            store.rotate_key(&NextKey::Made).await.unwrap();
        }
        println!("{n}");
    }
}

fn spec() -> ServerSpec {
    let second = std::time::Duration::from_secs(1);
    ServerSpec {
        reach: Reach::Http { url: Address::new("http://one.test/?key=one") },
        protocol: Protocol::Auto,
        timeout: second,
        max_duration: second,
        enabled: true,
    }
}

fn token(round: usize, n: usize) -> TokenHash {
    let mut bytes = [0; 32];
    let numbers = round.to_be_bytes().into_iter().chain(n.to_be_bytes());
    for (byte, number) in bytes.iter_mut().zip(numbers) {
        *byte = number;
    }
    TokenHash::new(bytes)
}

async fn kill_and_look() {
    let dir = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["write", dir.path().to_str().unwrap(), &round.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let last: usize = lines.nth(round % 5).unwrap().unwrap().parse().unwrap();
        // It is somewhere within the next change by now.
        for _ in 0..round * 20_000 {
            std::hint::black_box(token(round, 0));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        drop(lines);
        told.push(last);
        look(dir.path(), &told).await;
    }
    eprintln!("killed {ROUNDS} times");
}

async fn look(dir: &Path, told: &[usize]) {
    let store = Store::open(Options::new(dir)).await.unwrap();
    assert_eq!(store.faults().await.unwrap(), Vec::<String>::new());
    store.verify_key().await.unwrap().unwrap();
    let contents = store.contents().await.unwrap();
    for server in &contents.servers {
        let secrets = server.secrets.as_ref().unwrap();
        let values: Vec<&str> = secrets.iter().map(|(_, value)| value.expose()).collect();
        let expected = format!("secret of {}", server.server.name);
        assert_eq!(values, [expected], "a server and its secret are one change");
    }
    for grant in &contents.grants {
        assert_eq!((grant.tokens.len(), grant.spec.servers.len()), (1, 1), "a grant is one change");
    }
    for (round, last) in told.iter().enumerate() {
        for n in 0..=*last {
            let name = format!("r{round}-{n}");
            assert!(contents.servers.iter().any(|server| server.server.name == name), "{name} is lost");
            assert!(contents.grants.iter().any(|grant| grant.label == name), "{name} is lost");
        }
    }
    store.close().await;
}
