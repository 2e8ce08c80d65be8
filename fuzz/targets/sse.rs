//! Any chunks of a stream give the same events as the whole, and the raw bytes are the stream.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use toolgate_mcp::sse::{Event, EventTooLong, Splitter};

fn split<'b>(
    chunks: impl Iterator<Item = &'b [u8]>,
    limit: usize,
) -> Result<(Vec<Event>, Bytes), EventTooLong> {
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

fuzz_target!(|input: (u8, u8, Vec<u8>)| {
    let (size, limit, stream) = input;
    let whole = split(std::iter::once(stream.as_slice()), limit.into());
    assert_eq!(split(stream.chunks(usize::from(size).max(1)), limit.into()), whole);
    if let Ok((events, rest)) = whole {
        let raw: Vec<u8> = events.iter().flat_map(|event| event.raw.to_vec()).chain(rest).collect();
        assert_eq!(raw, stream);
    }
});
