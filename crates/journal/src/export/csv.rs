//! CSV (RFC 4180) from one table of columns. A cell that a spreadsheet would run as a formula is made text.

use std::borrow::Cow;

use crate::view::{RecordView, Text};

type Cell<'v> = Option<Cow<'v, str>>;

/// A column: its heading, and what stands in it.
struct Column {
    heading: &'static str,
    cell: for<'v> fn(&'v RecordView<'_>) -> Cell<'v>,
}

const fn column(heading: &'static str, cell: for<'v> fn(&'v RecordView<'_>) -> Cell<'v>) -> Column {
    Column { heading, cell }
}

const COLUMNS: [Column; 35] = [
    column("seq", |view| number(Some(view.seq))),
    column("ts", |view| Some(Cow::Borrowed(&view.ts))),
    column("node", |view| Some(Cow::Borrowed(&view.node))),
    column("kind", |view| Some(Cow::Borrowed(&view.kind))),
    column("request_id", |view| text(view.request_id.as_ref())),
    column("session", |view| text(view.session.as_ref())),
    column("client", |view| text(view.client.as_ref())),
    column("grant", |view| text(view.grant.as_ref())),
    column("server", |view| text(view.server.as_ref())),
    column("method", |view| text(view.method.as_ref())),
    column("tool", |view| text(view.tool.as_ref())),
    column("resource", |view| text(view.resource.as_ref())),
    column("prompt", |view| text(view.prompt.as_ref())),
    column("outcome", |view| text(view.outcome.as_ref())),
    column("rule", |view| text(view.rule.as_ref())),
    column("message", |view| text(view.message.as_ref())),
    column("retry_after_ms", |view| number(view.retry_after_ms)),
    column("shadow", |view| list(&view.shadow)),
    column("policy", |view| text(view.policy.as_ref())),
    column("policy_version", |view| text(view.policy_version.as_ref())),
    column("definition_hash", |view| text(view.definition_hash.as_ref())),
    column("argument_names", |view| view.argument_names.as_deref().and_then(list)),
    column("arguments_hmac", |view| text(view.arguments_hmac.as_ref())),
    column("arguments", |view| view.arguments.map(|arguments| Cow::Borrowed(arguments.get()))),
    column("limits", limits),
    column("released", |view| {
        view.released.map(|released| Cow::Borrowed(if released { "true" } else { "false" }))
    }),
    column("count", |view| number(view.count)),
    column("by", |view| text(view.by.as_ref())),
    column("detail", |view| text(view.detail.as_ref())),
    column("latency_us_gateway", |view| number(view.latency_us.map(|latency| latency.gateway))),
    column("latency_us_upstream", |view| number(view.latency_us.and_then(|latency| latency.upstream))),
    column("counters", |view| text(view.counters.as_ref())),
    column("key_id", |view| text(view.key_id.as_ref())),
    column("prev", |view| Some(Cow::Borrowed(&view.prev))),
    column("hash", |view| Some(Cow::Borrowed(&view.hash))),
];

/// Appends the header.
pub(super) fn push_header(out: &mut Vec<u8>) {
    push_cells(out, COLUMNS.iter().map(|column| Some(Cow::Borrowed(column.heading))));
}

/// Appends one record.
pub(super) fn push_row(out: &mut Vec<u8>, view: &RecordView<'_>) {
    push_cells(out, COLUMNS.iter().map(|column| (column.cell)(view)));
}

fn push_cells<'c>(out: &mut Vec<u8>, cells: impl Iterator<Item = Cell<'c>>) {
    for (position, cell) in cells.enumerate() {
        if position > 0 {
            out.push(b',');
        }
        push_cell(out, &cell.unwrap_or_default());
    }
    out.extend_from_slice(b"\r\n");
}

fn push_cell(out: &mut Vec<u8>, cell: &str) {
    let quoted = cell.contains(['"', ',', '\r', '\n']);
    if quoted {
        out.push(b'"');
    }
    // What spreadsheets take for the beginning of a formula, also in its full-width spelling.
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        out.push(b'\'');
    }
    out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
    if quoted {
        out.push(b'"');
    }
}

fn text<'v>(text: Option<&'v Text<'_>>) -> Cell<'v> {
    text.map(|text| Cow::Borrowed(&**text))
}

fn number(number: Option<u64>) -> Cell<'static> {
    number.map(|number| Cow::Owned(number.to_string()))
}

/// A JSON list, so that no item can pass for two.
fn list<'v>(items: &'v [Text<'_>]) -> Cell<'v> {
    let items: Vec<&str> = items.iter().map(|item| &**item).collect();
    if items.is_empty() { None } else { serde_json::to_string(&items).ok().map(Cow::Owned) }
}

/// A JSON list of `[counter, amount, scope]`.
fn limits<'v>(view: &'v RecordView<'_>) -> Cell<'v> {
    let limits: Vec<[&str; 3]> =
        view.limits.iter().map(|limit| [&*limit.counter, &*limit.amount, &*limit.scope]).collect();
    if limits.is_empty() { None } else { serde_json::to_string(&limits).ok().map(Cow::Owned) }
}
