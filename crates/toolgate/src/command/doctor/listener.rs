//! Addresses and certificates of the listeners.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use toolgate_gateway::settings::{Settings, Tls};

use super::certificate::not_after;
use super::store::Running;
use super::{Check, State};
use crate::config::unit;

/// Two weeks in microseconds: certificates that end sooner should be renewed.
const SOON: i64 = 14 * 86_400 * 1_000_000;

pub(super) fn look(settings: &Settings, (now, running): (i64, Running), checks: &mut Vec<Check>) {
    checks.push(address("listen", settings.listen, running));
    checks.push(address("console", settings.console, running));
    for (subject, tls) in [("certificate", &settings.tls), ("console certificate", &settings.console_tls)] {
        checks.extend(tls.as_ref().map(|tls| certificates(subject, tls, now)));
    }
}

fn address(key: &str, address: SocketAddr, running: Running) -> Check {
    let subject = format!("{key} `{address}`");
    match (TcpListener::bind(address), running) {
        (Ok(_), Running::No) => Check::fine(subject, "free"),
        (Ok(_), Running::Yes) if address.port() == 0 => Check::fine(subject, "any free port"),
        (Ok(_), Running::Yes) => {
            Check::new(subject, State::Doubtful, "free, though a gateway runs on this data directory")
                .with_advice(
                    "it listens elsewhere, as its command line said, or has not taken over this change",
                )
        }
        (Err(error), Running::Yes) if error.kind() == ErrorKind::AddrInUse => {
            Check::fine(subject, "in use, as it should be while the gateway runs")
        }
        (Err(error), Running::Yes | Running::No) => Check::new(subject, State::Bad, error.to_string())
            .with_advice("stop what listens there, or choose another address"),
    }
}

fn certificates(subject: &str, tls: &Tls, now: i64) -> Check {
    match load(tls) {
        Err(error) => Check::new(subject, State::Bad, format!("{error:#}")),
        Ok(None) => Check::new(subject, State::Doubtful, "fits the key, but its end cannot be read"),
        Ok(Some(end)) if end <= now => {
            Check::new(subject, State::Bad, format!("ended at {}", unit::show_time(end)))
                .with_advice("renew it")
        }
        Ok(Some(end)) if end - now < SOON => {
            Check::new(subject, State::Doubtful, format!("ends at {}", unit::show_time(end)))
                .with_advice("renew it")
        }
        Ok(Some(end)) => {
            Check::fine(subject, format!("fits the key, and is good until {}", unit::show_time(end)))
        }
    }
}

/// Loads chain and key as the gateway does; when the leaf ends, in microseconds since 1970.
fn load(tls: &Tls) -> anyhow::Result<Option<i64>> {
    let unreadable = |path: &Path| format!("cannot read `{}`", path.display());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&tls.cert)
        .and_then(Iterator::collect)
        .with_context(|| unreadable(&tls.cert))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).with_context(|| unreadable(&tls.key))?;
    let end = chain.first().and_then(|leaf| not_after(leaf));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .with_context(|| {
            format!("`{}` and `{}` cannot be used together", tls.cert.display(), tls.key.display())
        })?;
    Ok(end)
}
