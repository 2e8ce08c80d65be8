//! Whatever the files look like: what `init` did, `--undo` takes back, byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::Parser;
use proptest::prelude::*;
use toolgate_clients::{Folders, Platform};
use toolgate_store::{FileNames, Page};

use super::*;
use crate::environment::Environment;
use crate::shell::Colours;
use crate::store::with_store;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

/// A home with files, and a data directory.
struct Machine {
    folder: tempfile::TempDir,
    shell: Shell,
}

impl Machine {
    fn new(files: &BTreeMap<&str, String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        }
        let (out, err) = (Box::new(io::sink()), Box::new(io::sink()));
        let shell = Shell { environment: Environment::default(), out, err, colours: Colours::Off };
        Self { folder, shell }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn arguments(&self, words: &[&str]) -> Arguments {
        let data_dir = self.path("data").to_string_lossy().into_owned();
        let words = ["init", "--data-dir", &data_dir].into_iter().chain(words.iter().copied());
        Line::try_parse_from(words).unwrap().arguments
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings {
            folders: Folders::of_home(Platform::Linux, self.folder.path().to_owned()),
            projects: Vec::new(),
            environment: Environment::default(),
            gateway: "http://127.0.0.1:8420".to_owned(),
            data_dir: self.path("data"),
            config: (self.path("toolgate.yaml"), false),
            names: FileNames::default(),
            program: "/opt/toolgate".to_owned(),
        }
    }

    fn plan(&mut self) -> Plan {
        let arguments = self.arguments(&[]);
        Plan::make(&arguments, &self.surroundings(), &mut self.shell).unwrap()
    }

    fn undo(&mut self, words: &[&str]) -> Answer {
        let words: Vec<&str> = ["--undo"].iter().chain(words).copied().collect();
        let arguments = self.arguments(&words);
        undo::run(&arguments, 3, &mut self.shell).unwrap()
    }

    fn files(&self, names: &BTreeMap<&str, String>) -> Vec<(String, u32)> {
        let read = |name: &&str| {
            let mode = fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o7777;
            (fs::read_to_string(self.path(name)).unwrap(), mode)
        };
        names.keys().map(read).collect()
    }

    /// How many servers, policies and grants the store has.
    fn kept(&self) -> (usize, usize, usize) {
        let count = with_store(&self.path("data"), async |store| {
            Ok((
                store.servers().list(Page::ALL).await?.len(),
                store.policies().list(Page::ALL).await?.len(),
                store.grants().list(Page::ALL).await?.len(),
            ))
        });
        count.unwrap()
    }
}

/// Names of entries, how each is reached, and what stands around them.
#[derive(Clone, Debug)]
struct Drawn {
    entries: Vec<(String, u8, bool)>,
    marked: bool,
    crlf: bool,
    commented: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let entry = ("[a-zA-Zü.]{1,6}", 0u8..4, any::<bool>());
    (proptest::collection::vec(entry, 0..4), any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(|(entries, marked, crlf, commented)| Drawn { entries, marked, crlf, commented })
}

impl Drawn {
    fn json(&self) -> String {
        let mut lines = vec!["{".to_owned(), "  \"other\": [1, {\"command\": \"x\"}],".to_owned()];
        if self.commented {
            lines.push("  /* two */ // comments".to_owned());
        }
        lines.push("  \"mcpServers\": {".to_owned());
        for (name, kind, folded) in &self.entries {
            let reach = match kind {
                0 => "\"command\": \"/nowhere/a\"".to_owned(),
                1 => "\"timeout\": 3, \"command\": \"/nowhere/b\", \"args\": [\"{x}\", \"]\"], \"env\": {\"K\": \"hunter2\"}".to_owned(),
                2 => "\"command\": \"/nowhere/c\", \"disabled\": true".to_owned(),
                _ => "\"url\": \"http://127.0.0.1:1/mcp\", \"headers\": {\"x\": \"y\"}".to_owned(),
            };
            let reach = if *folded {
                reach
            } else {
                format!("\n      {}\n    ", reach.replace(", \"", ",\n      \""))
            };
            lines.push(format!("    \"{name}\": {{{reach}}},"));
        }
        lines.push("  },".to_owned());
        lines.push("}".to_owned());
        self.finished(&lines)
    }

    fn toml(&self) -> String {
        let mut lines = vec!["model = 'x' # first".to_owned()];
        for (at, (name, kind, folded)) in self.entries.iter().enumerate() {
            lines.push(format!("[mcp_servers.\"{name}\"]"));
            lines.push(if *kind == 3 {
                "url = 'http://127.0.0.1:1/mcp'".to_owned()
            } else {
                format!("command = '/nowhere/{at}' # c")
            });
            if *folded && *kind != 3 {
                lines.extend(["args = [", "  'a', # b", "]", "env.K = 'hunter2'"].map(str::to_owned));
            }
            if self.commented {
                lines.push("# a comment".to_owned());
            }
        }
        lines.push("[last]".to_owned());
        lines.push("a = 1".to_owned());
        Self { marked: false, ..self.clone() }.finished(&lines)
    }

    fn yaml(&self) -> String {
        let mut lines = vec!["name: x".to_owned(), "mcpServers:".to_owned()];
        for (name, kind, folded) in &self.entries {
            let first = if *folded {
                format!("  - name: \"{name}\"")
            } else {
                format!("  - {{ name: \"{name}\", command: /nowhere/d }}")
            };
            lines.push(first);
            if *folded {
                lines.push(format!("    command: /nowhere/{kind} # c"));
                lines.push("    args:\n      - a\n      - 'b'".to_owned());
            }
        }
        if self.entries.is_empty() {
            lines.push("  []".to_owned());
        }
        lines.push("# end".to_owned());
        self.finished(&lines)
    }

    fn finished(&self, lines: &[String]) -> String {
        let text = lines.join("\n") + "\n";
        let text = if self.crlf { text.replace('\n', "\r\n") } else { text };
        if self.marked { format!("\u{FEFF}{text}") } else { text }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn undo_restores_every_byte((one, two, three, four) in (drawn(), drawn(), drawn(), drawn())) {
        let files = BTreeMap::from([
            (".cursor/mcp.json", one.json()),
            (".claude.json", two.json()),
            (".codex/config.toml", three.toml()),
            (".continue/config.yaml", four.yaml()),
        ]);
        let mut machine = Machine::new(&files);
        let before = machine.files(&files);
        let plan = machine.plan();
        if plan.changes_anything() {
            let expected = plan.files.iter().filter(|file| !file.bindings.is_empty()).count();
            let done = apply::run(plan, &machine.surroundings(), 1).unwrap();
            prop_assert_eq!(done.failed, Vec::new());
            prop_assert_eq!(done.changed.len(), expected);
            prop_assert_eq!(machine.kept().2, expected);
            let after = machine.files(&files);
            prop_assert!(after.iter().all(|(text, _)| !text.contains("/nowhere/a")));
            prop_assert!(!machine.plan().changes_anything(), "a second run has nothing to do");
            prop_assert_eq!(machine.undo(&[]), Answer::Yes);
            prop_assert_eq!(machine.kept(), (0, 0, 0));
            prop_assert!(!machine.path("toolgate.yaml").exists());
        }
        prop_assert_eq!(machine.files(&files), before);
    }
}

fn one_file() -> BTreeMap<&'static str, String> {
    let text = r#"{"mcpServers": {"a": {"command": "/nowhere/a"}}}"#;
    BTreeMap::from([(".cursor/mcp.json", text.to_owned()), (".gemini/settings.json", text.to_owned())])
}

#[test]
fn a_file_that_changes_before_it_is_written_is_left() {
    let mut machine = Machine::new(&one_file());
    let plan = machine.plan();
    let path = machine.path(".cursor/mcp.json");
    fs::write(&path, "{} ").unwrap();
    let done = apply::run(plan, &machine.surroundings(), 1).unwrap();
    assert_eq!(done.failed.len(), 1);
    assert!(done.failed.iter().all(|(file, why)| *file == path && why.contains("changed meanwhile")));
    assert_eq!(fs::read_to_string(&path).unwrap(), "{} ");
    // The other has its grant, this one has none.
    assert_eq!((done.changed.len(), machine.kept().2), (1, 1));
    assert_eq!(machine.undo(&[]), Answer::Yes);
    assert_eq!(fs::read_to_string(&path).unwrap(), "{} ");
}

#[test]
fn what_somebody_uses_is_kept() {
    let mut machine = Machine::new(&one_file());
    let plan = machine.plan();
    apply::run(plan, &machine.surroundings(), 1).unwrap();
    let names = FileNames::default();
    let change = toolgate_store::Change::new("somebody", 2, &names);
    let spec = toolgate_store::GrantSpec {
        servers: vec![toolgate_store::Binding { server: "a".to_owned(), policy: "a".to_owned() }],
        expires: None,
        tags: Vec::new(),
        names: toolgate_store::NameStyle::Dotted,
    };
    let token = toolgate_store::TokenHash::new([7; 32]);
    with_store(&machine.path("data"), async |store| {
        store.grants().create("mine", &spec, token, &change).await
    })
    .unwrap();
    assert_eq!(machine.undo(&[]), Answer::Yes);
    assert_eq!(machine.kept(), (1, 1, 1));
    assert!(fs::read_dir(machine.path("data/init")).unwrap().next().is_none());
}

#[test]
fn a_crash_between_record_and_file_is_taken_back() {
    let mut machine = Machine::new(&one_file());
    let plan = machine.plan();
    apply::run(plan, &machine.surroundings(), 1).unwrap();
    // As if the second file had not been written yet.
    let files = one_file();
    fs::write(machine.path(".gemini/settings.json"), &files[".gemini/settings.json"]).unwrap();
    assert_eq!(machine.undo(&["--dry-run"]), Answer::Yes);
    assert_eq!(machine.undo(&[]), Answer::Yes);
    assert_eq!(machine.files(&files).len(), 2);
    for (name, text) in &files {
        assert_eq!(fs::read_to_string(machine.path(name)).unwrap(), *text);
    }
    assert_eq!(machine.kept(), (0, 0, 0));
}

#[test]
fn nothing_of_a_run_can_be_read_by_others() {
    let mut machine = Machine::new(&one_file());
    let plan = machine.plan();
    apply::run(plan, &machine.surroundings(), 1).unwrap();
    let private = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o077 == 0;
    let mut folders = vec![machine.path("data")];
    while let Some(folder) = folders.pop() {
        assert!(private(&folder), "{}", folder.display());
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            assert!(private(&path), "{}", path.display());
            folders.extend(path.is_dir().then_some(path));
        }
    }
}
