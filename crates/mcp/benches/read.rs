//! What reading a call costs: the document, the envelope, the tool's view, and the headers.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark of what is known to be valid")]

use divan::{Bencher, black_box};
use http::{HeaderMap, HeaderValue};
use toolgate_json::{Document, Limits};
use toolgate_mcp::headers::{ParamHeader, check_modern, write_modern};
use toolgate_mcp::message::{Message, Request};
use toolgate_mcp::method::{Kind, Method, Side};
use toolgate_mcp::params::ToolCall;
use toolgate_mcp::revision::Revision;
use toolgate_mcp::sse::Splitter;

fn main() {
    divan::main();
}

/// Sizes of the calls, in bytes.
const SIZES: [usize; 2] = [300, 16 * 1024];

/// A modern call of about that many bytes.
fn call(size: usize) -> String {
    let start = concat!(
        r#"{"jsonrpc":"2.0","id":17,"method":"tools/call","params":{"name":"image.generate.replicate","#,
        r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
        r#""io.modelcontextprotocol/clientCapabilities":{},"progressToken":17},"arguments":{"n":1,"prompt":""#
    );
    let prompt: String = "a red bicycle in the rain ".chars().cycle().take(size - start.len() - 4).collect();
    format!("{start}{prompt}\"}}}}}}")
}

fn request<'d>(document: &'d Document<'_>) -> Request<'d> {
    match Message::read(document) {
        Ok(Message::Request(request)) => request,
        other => panic!("no request: {other:?}"),
    }
}

fn headers(request: &Request<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in ["host", "accept", "content-type", "user-agent", "authorization"] {
        headers.insert(name, HeaderValue::from_static("x"));
    }
    write_modern(&mut headers, Revision::V2026_07_28, Method::ToolsCall, request.params.as_ref(), &[]);
    headers
}

#[divan::bench(args = SIZES)]
fn document(bencher: Bencher<'_, '_>, size: usize) {
    let text = call(size);
    bencher.bench(|| Document::read(black_box(text.as_bytes()), &Limits::default()).is_ok());
}

#[divan::bench(args = SIZES)]
fn envelope_and_headers(bencher: Bencher<'_, '_>, size: usize) {
    let text = call(size);
    let document = Document::read(text.as_bytes(), &Limits::default()).unwrap();
    let headers = headers(&request(&document));
    bencher.bench(|| judge(black_box(&document), black_box(&headers), &[]));
}

#[divan::bench(args = SIZES)]
fn all(bencher: Bencher<'_, '_>, size: usize) {
    let text = call(size);
    let document = Document::read(text.as_bytes(), &Limits::default()).unwrap();
    let headers = headers(&request(&document));
    bencher.bench(|| {
        let document = Document::read(black_box(text.as_bytes()), &Limits::default()).unwrap();
        judge(&document, black_box(&headers), &[])
    });
}

fn judge(document: &Document<'_>, headers: &HeaderMap, params: &[ParamHeader]) -> usize {
    let request = request(document);
    let method = Method::admit(request.method.as_str(), Revision::V2026_07_28, Side::Client, Kind::Request);
    let call: ToolCall<'_> = request.view().unwrap();
    check_modern(headers, &request, params).unwrap();
    usize::from(method.is_some()) + call.name.as_str().len()
}

#[divan::bench(args = [1, 100])]
fn events(bencher: Bencher<'_, '_>, count: usize) {
    let event = format!("event: message\r\ndata: {}\r\n\r\n", call(300));
    let stream = event.repeat(count).into_bytes();
    bencher.with_inputs(|| bytes::Bytes::from(stream.clone())).bench_values(|chunk| {
        let mut splitter = Splitter::new(1 << 20);
        splitter.push(chunk);
        let mut found = 0;
        while let Ok(Some(event)) = splitter.next_event() {
            found += usize::from(event.has_data());
        }
        assert_eq!(found, count);
    });
}
