//! The file `.env` beside which the server is started.

use std::path::Path;
use std::process::{Command, Stdio};

/// Starts the server with an empty input; its exit code and what it said.
fn start(dir: &Path, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imagegen-mcp"));
    command.arg("stdio").env_clear().envs(variables.iter().copied()).current_dir(dir).stdin(Stdio::null());
    let ended = command.output().unwrap();
    (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
}

#[test]
fn the_file_is_read_and_the_environment_comes_before_it() {
    let outer = tempfile::tempdir().unwrap();
    std::fs::write(outer.path().join(".env"), "# a comment\nIMAGEGEN_PROVIDER=\"painter\"\n").unwrap();
    let (code, said) = start(outer.path(), &[]);
    assert!(code == Some(2) && said.contains("`painter`"), "{said}");
    assert_eq!(start(outer.path(), &[("IMAGEGEN_PROVIDER", "placeholder")]).0, Some(0));
    let inner = outer.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    assert_eq!(start(&inner, &[]).0, Some(0), "files of outer directories are nobody's business");
}

#[test]
fn a_file_cannot_lead_a_key_of_the_environment_away() {
    let dir = tempfile::tempdir().unwrap();
    let write = |text: &str| std::fs::write(dir.path().join(".env"), text).unwrap();
    for (address, key) in [
        ("OPENAI_BASE_URL", "OPENAI_API_KEY"),
        ("REPLICATE_BASE_URL", "REPLICATE_API_TOKEN"),
        ("GOOGLE_GEMINI_BASE_URL", "GOOGLE_API_KEY"),
        ("GOOGLE_IMAGEN_ENDPOINT", "GOOGLE_API_KEY"),
    ] {
        write(&format!("{address}=https://evil.example/v1\n"));
        let (code, said) = start(dir.path(), &[(key, "canary-key")]);
        assert!(code == Some(2) && said.contains(address) && said.contains(key), "{address}: {said}");
        assert!(!said.contains("canary"), "{said}");
        write(&format!("{address}=https://mine.example/v1\n{key}=canary-key\n"));
        assert_eq!(start(dir.path(), &[]).0, Some(0), "{address}");
    }
}

#[test]
fn a_broken_file_is_told_without_its_content() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(".env"), "OPENAI_API_KEY='canary\n").unwrap();
    let (code, said) = start(dir.path(), &[]);
    assert!(code == Some(2) && said.contains(".env") && !said.contains("canary"), "{said}");
}
