//! Admission and cancelling, without a protocol around them.

use serde_json::json;

use super::*;

fn server(dir: &tempfile::TempDir) -> Server {
    let settings = Settings::from_lookup(|name| match name {
        "OUTPUT_DIR" => Some(dir.path().join("outputs").into()),
        "IMAGEGEN_PROVIDER" => Some("placeholder".into()),
        _ => None,
    });
    Server::new(settings.unwrap())
}

fn arguments(size: &str) -> Arguments {
    let raw = json!({ "prompt": "p", "size": size, "returnBase64": true });
    Arguments::check(Tool::OpenAi, raw.as_object()).unwrap()
}

#[tokio::test]
async fn a_cancelled_call_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let cancel = CancellationToken::new();
    let call = Call::new(cancel.clone(), Duration::from_secs(1));
    cancel.cancel();
    assert!(server(&dir).0.place(Tool::OpenAi, &arguments("16x16"), &call).is_err());
    assert!(!dir.path().join("outputs").exists());
}

#[tokio::test]
async fn a_call_beyond_the_bound_is_told_to_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(&dir);
    let all = server.0.admitted.try_acquire_many(256).unwrap();
    let call = || server.generate(Tool::OpenAi, arguments("16x16"), CancellationToken::new(), None);
    let refused = call().await;
    assert_eq!(refused.is_error, Some(true));
    assert!(refused.content[0].as_text().unwrap().text.contains("try again"));
    drop(all);
    assert_eq!(call().await.is_error, Some(false));
}
