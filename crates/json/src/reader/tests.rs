//! What the reader accepts and refuses, against tables and against `serde_json`.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;
use crate::{Document, Kind, Value};

fn read(text: &[u8]) -> Result<Document<'_>, ReadError> {
    Document::read(text, &Limits::default())
}

fn refusal(text: &[u8]) -> Option<ReadErrorKind> {
    read(text).err().map(|e| e.kind)
}

#[test]
fn accepts_strict_json() {
    let texts = [
        "null",
        " true ",
        "[]",
        "{}",
        "[[],{}]",
        r#"{"a":[1,2.5e3,-0]}"#,
        r#""\u0000\ud83d\ude00""#,
        "[ 1 , 2 ]",
        "{\"a\" : {\"a\":1} , \"b\":{\"a\":2}}",
        "123456789012345678901234567890",
        "1e-999",
        "-0.0",
    ];
    for text in texts {
        assert!(read(text.as_bytes()).is_ok(), "{text}");
    }
}

#[test]
fn refuses_what_two_parsers_could_read_differently() {
    let cases: [(&[u8], ReadErrorKind); 42] = [
        (b"", Fault::UnexpectedEnd),
        (b"  ", Fault::UnexpectedEnd),
        (b"\xEF\xBB\xBF{}", Fault::ByteOrderMark),
        (b"\"\xff\"", Fault::InvalidUtf8),
        (b"\"\xc0\xaf\"", Fault::InvalidUtf8),
        (b"\"\xed\xa0\x80\"", Fault::InvalidUtf8),
        (b"{} x", Fault::TrailingText),
        (b"{}{}", Fault::TrailingText),
        (b"1 2", Fault::TrailingText),
        (b"{}\0", Fault::TrailingText),
        (br#"{"a":1,"a":2}"#, Fault::RepeatedName),
        (br#"{"name":1,"n\u0061me":2}"#, Fault::RepeatedName),
        (br#"{"x":[{"b":{"c":1,"c":1}}]}"#, Fault::RepeatedName),
        (br#"{"":1,"":2}"#, Fault::RepeatedName),
        (br#""\ud800""#, Fault::LoneSurrogate),
        (br#""\udc00""#, Fault::LoneSurrogate),
        (br#""\ud800\u0041""#, Fault::LoneSurrogate),
        (br#""\ud800x""#, Fault::LoneSurrogate),
        (br#"{"\ud800":1}"#, Fault::LoneSurrogate),
        (b"\"a\nb\"", Fault::ControlCharacter),
        (b"\"a\0b\"", Fault::ControlCharacter),
        (b"\"12345678\x1f\"", Fault::ControlCharacter),
        (br#""\x""#, Fault::InvalidEscape),
        (br#""\u12g4""#, Fault::InvalidEscape),
        (b"1e400", Fault::NumberRange),
        (b"-1.5e999", Fault::NumberRange),
        (b"01", Fault::InvalidNumber),
        (b"-", Fault::InvalidNumber),
        (b"1.", Fault::InvalidNumber),
        (b"1e", Fault::InvalidNumber),
        (b"+1", Fault::UnexpectedByte),
        (b".5", Fault::UnexpectedByte),
        (b"NaN", Fault::UnexpectedByte),
        (b"[1,]", Fault::UnexpectedByte),
        (b"[,1]", Fault::UnexpectedByte),
        (b"{\"a\":1,}", Fault::UnexpectedByte),
        (b"{a:1}", Fault::UnexpectedByte),
        (b"{\"a\" 1}", Fault::UnexpectedByte),
        (b"[1}", Fault::UnexpectedByte),
        (b"[1", Fault::UnexpectedEnd),
        (b"\"abc", Fault::UnexpectedEnd),
        (b"/* */1", Fault::UnexpectedByte),
    ];
    for (text, kind) in cases {
        assert_eq!(refusal(text), Some(kind), "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn finds_repeated_names_among_many() {
    let members: Vec<String> = (0..1000).map(|i| format!("\"k{i}\":{i}")).collect();
    assert!(read(format!("{{{}}}", members.join(",")).as_bytes()).is_ok());
    let repeated = format!("{{{},\"k\\u0037\":0}}", members.join(","));
    assert_eq!(refusal(repeated.as_bytes()), Some(Fault::RepeatedName));
}

#[test]
fn keeps_to_its_limits() {
    let limits = Limits { bytes: 20, depth: 3, values: 5 };
    let kind = |text: &str| Document::read(text.as_bytes(), &limits).err().map(|e| e.kind);
    assert_eq!(kind("[[[1]]]"), None);
    assert_eq!(kind("[[[[1]]]]"), Some(Fault::TooDeep));
    assert_eq!(kind("[1,2,3,4,5]"), Some(Fault::TooManyValues));
    assert_eq!(kind("\"0123456789012345678901234567890\""), Some(Fault::TooLong));
    let deep = "[".repeat(1_000_000);
    assert_eq!(refusal(deep.as_bytes()), Some(Fault::TooDeep));
}

#[test]
fn points_at_the_byte() {
    assert_eq!(read(br#"{"a": tru}"#).unwrap_err().offset, 6);
    assert_eq!(read(b"[1] 2").unwrap_err().offset, 4);
}

/// The same value to both readers: types, names, order, strings, and numbers by spelling.
fn same(ours: &Value<'_>, theirs: &Json) -> bool {
    match theirs {
        Json::Null => ours.is_null(),
        Json::Bool(b) => ours.as_bool() == Some(*b),
        Json::Number(_) => ours.kind() == Kind::Number,
        Json::String(s) => ours.is_str(s),
        Json::Array(list) => {
            ours.elements().count() == list.len() && ours.elements().zip(list).all(|(a, b)| same(&a, b))
        }
        Json::Object(map) => {
            ours.members().count() == map.len()
                && map.iter().all(|(name, value)| ours.get(name).is_some_and(|v| same(&v, value)))
        }
    }
}

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-1e300..1e300f64).prop_map(Json::from),
        ".{0,12}".prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Json::from),
            prop::collection::btree_map(".{0,6}", inner, 0..24)
                .prop_map(|m| Json::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn reads_every_printed_value_alike(value in json(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let document = read(text.as_bytes()).unwrap();
        prop_assert!(same(&document.root(), &value));
    }

    #[test]
    fn accepts_only_what_serde_json_reads_alike(value in json(), at: prop::sample::Index, byte: u8) {
        let mut text = serde_json::to_vec(&value).unwrap();
        let place = at.index(text.len());
        text[place] = byte;
        if let Ok(document) = read(&text) {
            let theirs: Json = serde_json::from_slice(&text).unwrap();
            prop_assert!(same(&document.root(), &theirs));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(text: Vec<u8>) {
        if let Ok(document) = read(&text) {
            prop_assert!(serde_json::from_slice::<Json>(&text).is_ok());
            prop_assert!(document.root().raw().len() <= text.len());
        }
    }
}
