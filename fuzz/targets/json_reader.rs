//! What the strict reader accepts is JSON, and its canonical form means the same and is final.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use toolgate_json::{Document, Limits, write_canonical};

fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = Document::read(bytes, &Limits::default()) else { return };
    // Raw: an integer of more digits than a double can hold is refused by others as a value only.
    serde_json::from_slice::<&RawValue>(bytes).expect("accepted, but no JSON");
    let mut once = Vec::new();
    write_canonical(&document.root(), &mut once);
    let canonical = Document::read(&once, &Limits::default()).expect("the canonical form is JSON");
    assert!(canonical.root().equals(&document.root()));
    let mut twice = Vec::new();
    write_canonical(&canonical.root(), &mut twice);
    assert_eq!(once, twice);
});
