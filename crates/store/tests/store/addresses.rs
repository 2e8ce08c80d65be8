//! The values in the query of a server's URL are kept as secrets are.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use toolgate_store::{Address, Change, FileNames, KeyError, NextKey, Page, Reach, Server, StoreError};

use crate::bench::{Bench, NOW, http, secrets};

const URL: &str = "https://example.com/mcp?api_key=canary-one&region=eu";
const SHOWN: &str = "https://example.com/mcp?api_key=***&region=***";

fn address(server: &Server) -> &Address {
    match &server.spec.reach {
        Reach::Http { url } => url,
        Reach::Command { .. } => panic!("a command"),
    }
}

/// The whole URL of `s`, as the data plane gets it.
async fn called(bench: &Bench) -> Option<String> {
    let contents = bench.store.contents().await.unwrap();
    address(&contents.servers.first().unwrap().server).whole().map(str::to_owned)
}

#[tokio::test]
async fn a_query_is_sealed_shown_without_values_and_opened_for_calls() {
    let bench = Bench::new().await;
    let (servers, file) = (bench.store.servers(), FileNames::default());
    let change = Change::new("alice", NOW, &file);
    let made = servers.create("s", &http(URL), &secrets(&[("X-Key", Some("v"))]), &change).await.unwrap();
    assert_eq!((address(&made).shown(), address(&made).whole()), (SHOWN, None));
    assert_eq!(made.secrets, ["X-Key"], "the address is not one of its headers");
    assert_eq!(servers.list(Page::ALL).await.unwrap(), [made]);
    let opened = servers.open("s").await.unwrap();
    assert_eq!(address(&opened.server).whole(), Some(URL));
    assert_eq!(opened.secrets.len(), 1);
    assert!(!format!("{opened:?}").contains("canary"));
    assert_eq!(called(&bench).await.as_deref(), Some(URL));
    // The same URL is the same place, another query is not.
    servers.update("s", &opened.server.spec, &secrets(&[]), &change).await.unwrap();
    let error = servers.update("s", &http(&format!("{URL}1")), &secrets(&[]), &change).await.unwrap_err();
    assert!(matches!(error, StoreError::SecretsNeeded { .. }), "{error}");
    assert_eq!(called(&bench).await.as_deref(), Some(URL));
    // Another key, and what belongs to no address any more.
    assert_eq!(bench.store.rotate_key(&NextKey::Made).await.unwrap().secrets, 2);
    assert_eq!(called(&bench).await.as_deref(), Some(URL));
    servers
        .update("s", &http("https://example.com/mcp"), &secrets(&[("X-Key", None)]), &change)
        .await
        .unwrap();
    assert_eq!(bench.store.rotate_key(&NextKey::Made).await.unwrap().secrets, 0);
    bench.store.close().await;
    assert!(!bench.bytes().contains("canary"));
}

#[tokio::test]
async fn what_an_earlier_format_kept_is_sealed() {
    let bench = Bench::new().await;
    let file = FileNames::default();
    let change = Change::new("alice", NOW, &file);
    for (name, url) in [("s", URL), ("t", "https://example.com/other")] {
        bench.store.servers().create(name, &http(url), &secrets(&[]), &change).await.unwrap();
    }
    bench.store.close().await;
    let options = SqliteConnectOptions::new().filename(bench.dir.path().join("toolgate.db"));
    let mut earlier = options.connect().await.unwrap();
    for sql in ["DELETE FROM secrets", "UPDATE store_state SET key_check = NULL"] {
        sqlx::query(sql).execute(&mut earlier).await.unwrap();
    }
    sqlx::query("UPDATE servers SET url = $1 WHERE name = 's'")
        .bind(URL)
        .execute(&mut earlier)
        .await
        .unwrap();
    earlier.close().await.unwrap();
    let bench = bench.reopened().await;
    // It is of use before it is sealed, and not shown.
    assert_eq!(called(&bench).await.as_deref(), Some(URL));
    assert_eq!(address(&bench.store.servers().get("s").await.unwrap()).shown(), SHOWN);
    assert_eq!(bench.store.servers().seal_addresses().await.unwrap(), 1);
    assert_eq!(bench.store.servers().seal_addresses().await.unwrap(), 0);
    assert_eq!(called(&bench).await.as_deref(), Some(URL));
    bench.store.close().await;
    assert!(!bench.bytes().contains("canary"));
}

#[tokio::test]
async fn without_its_key_a_server_with_a_query_is_closed_until_it_is_set_anew() {
    let bench = Bench::new().await;
    let file = FileNames::default();
    let change = Change::new("alice", NOW, &file);
    bench.store.servers().create("s", &http(URL), &secrets(&[]), &change).await.unwrap();
    std::fs::remove_file(bench.dir.path().join("secret.key")).unwrap();
    let bench = bench.reopened().await;
    let servers = bench.store.servers();
    assert!(matches!(servers.open("s").await.unwrap_err(), StoreError::Key(KeyError::Missing { .. })));
    let closed = async || bench.store.contents().await.unwrap().servers.remove(0).secrets.unwrap_err();
    assert!(closed().await.contains("put it back"));
    // What does not touch the address can be changed all the same.
    let shown = servers.get("s").await.unwrap();
    servers.update("s", &shown.spec, &secrets(&[]), &change).await.unwrap();
    assert_eq!(bench.store.forget_secrets().await.unwrap(), 1);
    assert!(closed().await.contains("set it anew with its whole URL"));
    assert!(matches!(
        servers.update("s", &http(SHOWN), &secrets(&[]), &change).await,
        Ok(server) if address(&server).whole().is_none()
    ));
    servers.update("s", &http(URL), &secrets(&[]), &change).await.unwrap();
    assert_eq!(called(&bench).await.as_deref(), Some(URL));
}
