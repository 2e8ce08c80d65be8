//! Streams in chunks against a plain line-by-line reference.

use proptest::prelude::*;

use super::*;

/// Splits a stream given in one chunk; the rest stands behind the events.
fn split(chunks: &[&[u8]], limit: usize) -> Result<(Vec<Event>, Bytes), EventTooLong> {
    let mut splitter = Splitter::new(limit);
    let mut events = Vec::new();
    for chunk in chunks {
        splitter.push(Bytes::copy_from_slice(chunk));
        while let Some(event) = splitter.next_event()? {
            events.push(event);
        }
    }
    splitter.end();
    while let Some(event) = splitter.next_event()? {
        events.push(event);
    }
    Ok((events, splitter.remainder()))
}

fn events(stream: &str) -> Vec<Event> {
    split(&[stream.as_bytes()], 1 << 20).unwrap().0
}

fn text(field: Option<&Bytes>) -> Option<&str> {
    field.map(|bytes| std::str::from_utf8(bytes).unwrap())
}

/// Data of each event that has some.
fn data(stream: &str) -> Vec<String> {
    events(stream).iter().filter_map(|e| text(e.data.as_ref()).map(str::to_owned)).collect()
}

#[test]
fn fields_are_read_as_the_standard_says() {
    let found = events(
        "event: add\nid: 7\nretry: 2500\ndata: one\ndata:two\ndata:  three\n: note\nother: x\ndata\n\n",
    );
    assert_eq!(found.len(), 1);
    let event = &found[0];
    assert_eq!(text(event.data.as_ref()), Some("one\ntwo\n three\n"));
    assert_eq!(text(event.name.as_ref()), Some("add"));
    assert_eq!(text(event.id.as_ref()), Some("7"));
    assert_eq!(event.retry, Some(2500));
}

#[test]
fn odd_fields_are_ignored_or_empty() {
    let event = &events("id: a\0b\nretry: 12x\nretry: -1\nretry:\nid\nevent\nData: no\n data: no\n\n")[0];
    assert_eq!(event.data, None);
    assert_eq!(text(event.id.as_ref()), Some(""));
    assert_eq!(text(event.name.as_ref()), Some(""));
    assert_eq!(event.retry, None);
    let priming = &events("id: 1\ndata:\n\n")[0];
    assert_eq!(text(priming.data.as_ref()), Some(""));
    assert!(!priming.has_data());
    assert_eq!(events("retry: 5\nretry: x\n\n")[0].retry, Some(5));
    assert_eq!(events("retry: 99999999999999999999999\n\n")[0].retry, None);
}

#[test]
fn every_line_end_counts() {
    for end in ["\n", "\r", "\r\n"] {
        let stream = ["data: a", "data: b", "", "data: c", "", ": ping", "", ""].join(end);
        assert_eq!(data(&stream), ["a\nb", "c"], "{end:?}");
        assert_eq!(events(&stream).len(), 3, "{end:?}");
    }
    assert_eq!(data("data: a\r\r\ndata: b\n\r"), ["a", "b"]);
}

#[test]
fn a_byte_order_mark_is_skipped_at_the_start_alone() {
    assert_eq!(data("\u{FEFF}data: a\n\ndata: b\n\n"), ["a", "b"]);
    assert_eq!(data("data: a\n\n\u{FEFF}data: b\n\n"), ["a"]);
    assert_eq!(events("\u{FEFF}\ndata: a\n\n").len(), 2);
}

#[test]
fn an_event_that_is_not_ended_is_no_event() {
    let (found, rest) = split(&[b"data: a\n\ndata: b\n"], 100).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(rest, "data: b\n");
    let (found, rest) = split(&[b"data: a\r\r"], 100).unwrap();
    assert_eq!((found.len(), rest.len()), (1, 0));
}

#[test]
fn long_events_are_refused_whole_or_not() {
    let long = format!("data: {}\n\n", "x".repeat(100));
    let expected = Err(EventTooLong { limit: 50 });
    assert_eq!(split(&[long.as_bytes()], 50), expected);
    assert_eq!(split(&[&long.as_bytes()[..80]], 50), expected);
    let byte_by_byte: Vec<&[u8]> = long.as_bytes().chunks(1).collect();
    assert_eq!(split(&byte_by_byte, 50), expected);
    assert_eq!(split(&[long.as_bytes()], long.len()).unwrap().0.len(), 1);

    let mut splitter = Splitter::new(50);
    splitter.push(Bytes::from(format!("data: a\n\n{long}data: b\n\n")));
    assert!(splitter.next_event().unwrap().is_some());
    assert!(splitter.next_event().is_err());
    assert!(splitter.next_event().is_err(), "nothing is read beyond an event that was refused");
}

#[test]
fn a_lone_chunk_is_not_copied() {
    let chunk = Bytes::from(b"data: a\n\ndata: bc\n\n".to_vec());
    let start = chunk.as_ptr();
    let mut splitter = Splitter::new(100);
    splitter.push(chunk);
    let event = splitter.next_event().unwrap().unwrap();
    assert_eq!(event.raw.as_ptr(), start);
    assert_eq!(event.data.unwrap().as_ptr(), start.wrapping_add(6));
}

#[test]
fn other_data_keeps_the_other_fields() {
    let event = &events("id: 7\nevent: message\nretry: 10\ndata: {\"id\":1}\n\n")[0];
    assert_eq!(event.with_data(b"{}"), b"event: message\nid: 7\nretry: 10\ndata: {}\n\n");
    let bare = &events("data: x\n\n")[0];
    assert_eq!(bare.with_data(b"a\r\nb\rc\n"), b"data: a\ndata: b\ndata: c\ndata: \n\n");
    assert_eq!(bare.with_data(b""), b"data: \n\n");
}

#[test]
fn no_field_can_write_another() {
    for evil in [&b"1\ndata: x"[..], b"1\rdata: x", b"1\0"] {
        let written =
            write_event(&Fields { data: Some(b"d"), name: Some(evil), id: Some(evil), retry: None });
        assert_eq!(written, b"data: d\n\n");
    }
}

/// The standard's algorithm, line by line over a whole stream: data, name, id, retry of each block that a
/// blank line ends.
type Plain = (Option<String>, Option<String>, Option<String>, Option<u64>);

fn reference(stream: &str) -> Vec<Plain> {
    let stream = stream.strip_prefix('\u{FEFF}').unwrap_or(stream);
    let unified = stream.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = unified.split('\n').collect();
    lines.pop();
    let mut found = Vec::new();
    let mut event: Plain = (None, None, None, None);
    for line in lines {
        if line.is_empty() {
            found.push(std::mem::take(&mut event));
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                event.0 = Some(match event.0 {
                    None => value.to_owned(),
                    Some(before) => format!("{before}\n{value}"),
                });
            }
            "event" => event.1 = Some(value.to_owned()),
            "id" if !value.contains('\0') => event.2 = Some(value.to_owned()),
            "retry" if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => {
                event.3 = value.parse().ok().or(event.3);
            }
            _ => {}
        }
    }
    found
}

fn plain(event: &Event) -> Plain {
    let owned = |field: Option<&Bytes>| text(field).map(str::to_owned);
    (owned(event.data.as_ref()), owned(event.name.as_ref()), owned(event.id.as_ref()), event.retry)
}

fn stream() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "data",
        "event",
        "id",
        "retry",
        ":",
        ": ",
        " ",
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "\0",
        "12",
        "é",
        "😀",
        "\u{FEFF}",
        "x",
        "data: y\n\n",
        "data:",
        "event: e\n",
    ]);
    prop::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

/// Cuts the bytes where the fractions say.
fn cut<'b>(bytes: &'b [u8], cuts: &[prop::sample::Index]) -> Vec<&'b [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|index| index.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_events_are_those_of_the_standard(stream in stream()) {
        let found: Vec<Plain> = events(&stream).iter().map(plain).collect();
        prop_assert_eq!(found, reference(&stream));
    }

    #[test]
    fn any_chunks_give_the_same_events(
        stream in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        limit in 1usize..80,
    ) {
        let chunks = cut(stream.as_bytes(), &cuts);
        prop_assert_eq!(split(&chunks, limit), split(&[stream.as_bytes()], limit));
    }

    #[test]
    fn the_raw_bytes_are_the_stream(bytes in prop::collection::vec(any::<u8>(), 0..200), stream in stream()) {
        for stream in [bytes.as_slice(), stream.as_bytes()] {
            let (found, rest) = split(&[stream], 1 << 20).unwrap();
            let mut whole: Vec<u8> = found.iter().flat_map(|event| event.raw.to_vec()).collect();
            whole.extend_from_slice(&rest);
            prop_assert_eq!(whole, stream);
        }
    }

    #[test]
    fn what_is_written_is_read(
        data in "[a-z\\n é:]{0,20}", name in "[a-z:]{1,5}", id in "[a-z0-9 ]{1,5}", retry in any::<u64>(),
    ) {
        let fields = Fields {
            data: Some(data.as_bytes()),
            name: Some(name.as_bytes()),
            id: Some(id.as_bytes()),
            retry: Some(retry),
        };
        let written = String::from_utf8(write_event(&fields)).unwrap();
        let found = events(&written);
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(plain(&found[0]), (Some(data), Some(name), Some(id), Some(retry)));
    }
}
