//! Which pictures may be started from, and which not.

use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

use super::*;
use crate::scripted::{Reply, Scripted};
use crate::secret::Secrets;
use crate::settings::HostPort;
use crate::storage::NewFile;

fn png() -> Vec<u8> {
    let picture = image::DynamicImage::from(image::RgbImage::new(4, 4));
    crate::picture::encode(&picture, Format::Png).unwrap()
}

async fn get(
    named: &str,
    addresses: Addresses,
    output: &OutputDir,
    hosts: Vec<HostPort>,
) -> Result<Input, String> {
    let fetcher = Fetcher::new(hosts).unwrap();
    let call = Call::new(CancellationToken::new(), Duration::from_secs(60));
    let got = Sources { fetcher: &fetcher, output, addresses }.get(named, &call).await;
    got.map_err(|failure| failure.text(&Secrets::default()))
}

#[tokio::test]
async fn pictures_saved_here_and_pictures_in_the_call_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let output = OutputDir::new(dir.path());
    let file = NewFile { at: SystemTime::UNIX_EPOCH, hint: "x", extension: "jpg" };
    let path = output.save(file, &png()).unwrap().path;
    let expected = Input::Picture { bytes: png().into(), format: Format::Png };
    let data = format!("data:image/webp;base64,{}", STANDARD.encode(png()));
    let file = format!("file://{}", path.display());
    for named in [path.to_str().unwrap(), &crate::gallery::uri(&path), &data, &file] {
        let got = get(named, Addresses::Fetched, &output, Vec::new()).await;
        assert_eq!(got.as_ref(), Ok(&expected), "{named}: the format is that of the bytes");
    }
    assert!(expected.uri().starts_with("data:image/png;base64,"));
    assert!(!format!("{expected:?}").contains("137"), "no bytes are shown");
}

#[tokio::test]
async fn nothing_else_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let output = OutputDir::new(&dir.path().join("out"));
    std::fs::write(dir.path().join("secret.png"), png()).unwrap();
    let outside = dir.path().join("secret.png");
    let html = format!("data:image/png;base64,{}", STANDARD.encode("<html>"));
    for (named, said) in [
        (outside.to_str().unwrap(), "no file in the directory"),
        ("../secret.png", "no file in the directory"),
        ("image://saved/../secret.png", "no file in the directory"),
        ("", "no file in the directory"),
        ("data:image/png,plain", "not in base64"),
        ("data:image/png;base64,?", "is broken"),
        ("data:", "no comma"),
        (&html, "neither PNG, JPEG nor WebP"),
        ("http://replicate.delivery/a.png", "does not begin with https"),
        ("HTTPS://169.254.169.254/latest", "no public address"),
    ] {
        for addresses in [Addresses::Fetched, Addresses::Passed] {
            let error = get(named, addresses, &output, Vec::new()).await.unwrap_err();
            assert!(error.contains(said), "{named}: {error}");
        }
    }
}

#[tokio::test]
async fn an_address_is_fetched_or_passed_on() {
    let vendor = Scripted::start(|_, _| Reply::Http(200, "", png())).await;
    let hosts = vec![HostPort { host: "127.0.0.1".to_owned(), port: Some(vendor.port()) }];
    let output = OutputDir::new(std::path::Path::new("/nowhere"));
    let address = format!("{}/a.png", vendor.base);
    let passed = get(&address, Addresses::Passed, &output, hosts.clone()).await;
    assert_eq!((passed, vendor.seen().len()), (Ok(Input::Address(address.clone())), 0));
    let fetched = get(&address, Addresses::Fetched, &output, hosts).await;
    assert_eq!(fetched, Ok(Input::Picture { bytes: png().into(), format: Format::Png }));
}
