//! Where Replicate's pictures are fetched: open to anybody, for an hour in reality, here for as long as they are kept.

use std::sync::Arc;

use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, header};

use super::answer::{Flow, flowing, html, of_text, with_header};
use super::desk::Desk;
use super::drawing::bomb;
use super::ledger::{Event, Vendor};
use super::scenario::Twist;

/// An address that no server-side fetch may reach.
const PRIVATE: &str = "http://169.254.169.254/latest/meta-data/";

pub(super) fn router() -> Router<Arc<Desk>> {
    Router::new().route("/{id}/{name}", get(fetch))
}

async fn fetch(
    State(desk): State<Arc<Desk>>,
    Path((id, name)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    desk.arrived(Vendor::Delivery, ("GET", &uri), &headers, &[]);
    desk.ledger.note(Vendor::Delivery, Event::Download);
    if ["authorization", "x-goog-api-key", "cookie"].iter().any(|name| headers.contains_key(*name)) {
        desk.ledger.note(Vendor::Delivery, Event::KeyLeak);
    }
    let run = desk.runs.with(&id, |run| (run.scenario.clone(), run.sketch(), run.claimed()));
    let Some((scenario, sketch, claimed)) = run else { return not_found() };
    let redirect = |to: &str| with_header(of_text(302, "text/plain", String::new()), header::LOCATION, to);
    if scenario.has(Twist::NotFound) {
        not_found()
    } else if scenario.has(Twist::Html) {
        html()
    } else if scenario.has(Twist::Redirect) {
        redirect(PRIVATE)
    } else if scenario.has(Twist::RedirectNear) && !name.starts_with("moved") {
        redirect(&format!("/delivery/{id}/moved.{}", claimed.extension()))
    } else {
        let bytes: Bytes = if scenario.has(Twist::Bomb) { bomb() } else { desk.easel.draw(sketch) };
        flowing(Vendor::Delivery, (claimed.mime(), bytes), Flow::of(&scenario), &desk.ledger)
    }
}

fn not_found() -> Response {
    of_text(404, "text/plain; charset=utf-8", "Not Found".to_owned())
}
