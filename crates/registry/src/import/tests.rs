//! Imports: again, changed, bad, broken off; and which version of a server is shown.

use std::path::Path;

use serde_json::json;

use super::*;
use crate::catalog::{Catalog, Listing};
use crate::entry::{Status, Transport};
use crate::search::Search;

fn options(directory: &Path) -> ImportOptions {
    ImportOptions { data_directory: directory.to_owned(), server: None, threads: 2, now: 7 }
}

fn row(server: usize, tool: usize, description: &str) -> String {
    let (server, tool) = (format!("server-{server}"), format!("get_thing_{tool}"));
    json!({"server": server, "tool": tool, "description": description, "input_schema": {"type": "object"}})
        .to_string()
}

fn read_in(directory: &Path, text: &str) -> Summary {
    let file = directory.join("dump.jsonl");
    std::fs::write(&file, text).unwrap();
    import(&Dump::File(file), &options(directory), &mut |_| {}).unwrap()
}

fn within<T>(work: impl Future<Output = T>) -> T {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn found(directory: &Path, search: &Search) -> Vec<String> {
    within(async {
        let catalog = Catalog::open(directory).await.unwrap();
        let page = catalog.tools(search, 200, None).await.unwrap();
        page.items.into_iter().map(|hit| format!("{}/{}", hit.server, hit.name)).collect()
    })
}

#[test]
fn what_is_there_already_is_changed_only_where_it_differs() {
    let directory = tempfile::tempdir().unwrap();
    let dump = |special: &str| {
        let text = |n: usize| if n == 700 { special } else { "Returns a thing." };
        (0..1000).map(|n| row(n / 10, n, text(n)) + "\n").collect::<String>()
    };
    let first = read_in(directory.path(), &dump("Returns a thing."));
    assert_eq!((first.read, first.bad, first.complete), (1000, 0, true));
    assert_eq!(first.tally, Tally { tools_added: 1000, ..Tally::default() });
    let second = read_in(directory.path(), &dump("Deletes the whole aardvark for good."));
    assert_eq!(second.tally, Tally { tools_changed: 1, tools_unchanged: 999, ..Tally::default() });
    let search = |words: &str| Search { words: words.to_owned(), ..Search::default() };
    assert_eq!(found(directory.path(), &search("aardvark")), ["server-70/get_thing_700"]);
    assert!(found(directory.path(), &search("returns 700")).is_empty(), "words of before are gone");
    // The first entries of a catalogue are there, too.
    assert_eq!(
        within(async { Catalog::open(directory.path()).await.unwrap().size().await.unwrap().tools }),
        1004
    );
}

#[test]
fn bad_lines_are_told_and_stop_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let text =
        format!("{}\n\nnonsense\n{{\"tool\": 3, \"server\": \"s\"}}\n{}\n", row(1, 1, ""), row(1, 2, ""));
    let summary = read_in(directory.path(), &text);
    assert_eq!((summary.read, summary.bad, summary.tally.tools_added), (4, 2, 2));
    assert_eq!(summary.problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [3, 4]);
    let many: String = (0..100).map(|_| "?\n").collect();
    let summary = read_in(directory.path(), &many);
    assert_eq!((summary.bad, summary.problems.len()), (100, TOLD));
}

#[test]
fn an_import_that_broke_off_goes_on_where_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..600).map(|n| row(n % 7, n, "Returns a thing.") + "\n").collect();
    let file = directory.path().join("dump.jsonl");
    std::fs::write(&file, lines.concat()).unwrap();
    let dump = Dump::File(file);
    let (position, _) = begin(&dump, &options(directory.path())).unwrap();
    let bytes: usize = lines.iter().take(250).map(String::len).sum();
    within(async {
        let mut writer = open(directory.path()).await.unwrap();
        let entry = |line: &String| read::entry(line.as_bytes(), None).unwrap();
        let entries: Vec<Entry> = lines.iter().take(250).map(entry).collect();
        let at = Position { position: bytes as i64, line: 250, ..position };
        writer.store(entries, Some(&at)).await.unwrap();
        // Not closed: the process is gone.
    });
    let summary = import(&dump, &options(directory.path()), &mut |_| {}).unwrap();
    assert_eq!((summary.resumed_after, summary.read), (Some(250), 350));
    assert_eq!(summary.tally, Tally { tools_added: 350, ..Tally::default() });
    // Read to its end: the next time it begins at the beginning, and so does another file of that name.
    let summary = import(&dump, &options(directory.path()), &mut |_| {}).unwrap();
    assert_eq!((summary.resumed_after, summary.tally.tools_unchanged), (None, 600));
}

#[test]
fn only_one_imports_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let writer = within(open(directory.path())).unwrap();
    let file = directory.path().join("dump.jsonl");
    std::fs::write(&file, row(1, 1, "")).unwrap();
    let error = import(&Dump::File(file), &options(directory.path()), &mut |_| {}).unwrap_err();
    assert!(matches!(error, ImportError::Catalog(CatalogError::Importing)), "{error}");
    drop(writer);
}

#[test]
fn the_newest_version_is_shown_and_a_deleted_server_is_not_found() {
    let directory = tempfile::tempdir().unwrap();
    let version = |version: &str, transport: &str, meta: serde_json::Value| {
        let server = json!({"name": "com.example/files", "version": version, "description": "Works with files",
            "remotes": [{"type": transport, "url": "https://example.com/mcp"}]});
        let meta = json!({"io.modelcontextprotocol.registry/official": meta});
        json!({"server": server, "_meta": meta}).to_string() + "\n"
    };
    let tool = json!({"server": "com.example/files", "tool": "read_file"}).to_string() + "\n";
    let shown = || {
        within(async {
            let catalog = Catalog::open(directory.path()).await.unwrap();
            let hit = catalog.server("com.example/files").await.unwrap().unwrap();
            let versions = catalog.versions("com.example/files").await.unwrap().len();
            (hit.version, hit.status, hit.transports.iter().collect::<Vec<_>>(), versions)
        })
    };
    let by = |transport| Search { words: "file".to_owned(), transport: Some(transport), ..Search::default() };
    read_in(
        directory.path(),
        &(tool + &version("1.10.0", "sse", json!({})) + &version("1.9.0", "sse", json!({}))),
    );
    assert_eq!(shown(), ("1.10.0".to_owned(), Status::Active, vec![Transport::Sse], 2));
    assert_eq!(found(directory.path(), &by(Transport::Sse)), ["com.example/files/read_file"]);
    read_in(directory.path(), &version("1.2.0", "streamable-http", json!({"isLatest": true})));
    assert_eq!(shown(), ("1.2.0".to_owned(), Status::Active, vec![Transport::StreamableHttp], 3));
    assert!(found(directory.path(), &by(Transport::Sse)).is_empty(), "its tools are placed anew");
    assert_eq!(found(directory.path(), &by(Transport::StreamableHttp)).len(), 1);
    read_in(directory.path(), &version("1.2.0", "sse", json!({"isLatest": true, "status": "deleted"})));
    assert_eq!(shown().1, Status::Deleted);
    assert!(
        found(directory.path(), &Search { words: "read_file".to_owned(), ..Search::default() }).is_empty()
    );
    let listed = within(async {
        let catalog = Catalog::open(directory.path()).await.unwrap();
        let servers =
            catalog.servers(&Search { words: "files".to_owned(), ..Search::default() }, 10, None).await;
        (
            servers.unwrap().items.len(),
            catalog
                .listed(&Listing {
                    names: &["*".to_owned()],
                    after: None,
                    holding: None,
                    since: None,
                    limit: 10,
                })
                .await
                .unwrap()
                .len(),
        )
    });
    assert_eq!(listed, (0, 0));
}
