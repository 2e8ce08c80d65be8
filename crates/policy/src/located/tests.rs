//! Places of values, read from both notations.

use proptest::prelude::*;

use super::*;

fn yaml(text: &str) -> Result<Located, Vec<Problem>> {
    Located::read(text, Format::Yaml)
}

fn place_of<'t>(tree: &'t Located, pointer: &[&str]) -> Place<'t> {
    pointer.iter().fold(tree.root(), |place, step| match place.get(step) {
        Some(member) => member,
        None => place.elements().nth(step.parse().unwrap()).unwrap(),
    })
}

#[test]
fn knows_where_everything_stands() {
    let json = "{\n  \"a\": [1, {\"b/c\": null}],\n  \"é\": \"x\", \"z\": true\n}";
    let text = "# head\na:\n  - 1\n  - b/c: ~\né: x\nz: true\n";
    for (tree, places) in [
        (Located::read(json, Format::Json).unwrap(), [(2, 3, 2, 8), (2, 13, 2, 20), (3, 13, 3, 18)]),
        (yaml(text).unwrap(), [(2, 1, 3, 3), (4, 5, 4, 10), (6, 1, 6, 4)]),
    ] {
        for (pointer, (name_line, name_column, line, column)) in
            [&["a"][..], &["a", "1", "b/c"], &["z"]].iter().zip(places)
        {
            let place = place_of(&tree, pointer);
            let at = |line, column| Position { line, column };
            assert_eq!(
                (place.name_position(), place.position()),
                (at(name_line, name_column), at(line, column)),
                "{pointer:?}"
            );
        }
        assert_eq!(place_of(&tree, &["a", "1", "b/c"]).pointer(), "/a/1/b~1c");
        assert_eq!(tree.root().pointer(), "");
        assert_eq!(tree.root().to_canonical(), r#"{"a":[1,{"b/c":null}],"z":true,"é":"x"}"#);
    }
}

#[test]
fn refuses_what_two_readers_could_read_differently() {
    for (text, line, column, part) in [
        ("a: 1\na: 2\n", 2, 1, "twice"),
        ("a: 1\n\"a\": 2\n", 2, 1, "twice"),
        ("a: &x 1\n", 1, 4, "anchors"),
        ("a: 1\nb: *x\n", 2, 4, "YAML"),
        ("a: !!str 1\n", 1, 4, "tags"),
        ("a: !mine 1\n", 1, 4, "tags"),
        ("<<: {a: 1}\n", 1, 1, "merge"),
        ("? [a]\n: 1\n", 1, 3, "plain text"),
        ("a: 1\n---\nb: 2\n", 2, 1, "second document"),
        ("a: .inf\n", 1, 4, "finite"),
        ("a: [1\n", 2, 1, "YAML"),
        ("a: 1\n b: 2\n", 2, 3, "YAML"),
    ] {
        let problems = yaml(text).unwrap_err();
        assert_eq!(problems.len(), 1, "{text}");
        let found = problems[0].position.unwrap();
        assert!(problems[0].message.contains(part), "{text}: {}", problems[0].message);
        assert_eq!((found.line, found.column), (line, column), "{text}: {}", problems[0].message);
    }
    for (text, position, part) in [
        ("{\"a\":1,\"a\":2}", Some((1, 11)), "repeated"),
        ("{\"a\":1,}", Some((1, 8)), "unexpected"),
        ("\u{FEFF}{}", Some((1, 1)), "byte order"),
        ("", Some((1, 1)), "too early"),
    ] {
        let problems = Located::read(text, Format::Json).unwrap_err();
        assert_eq!(problems[0].position.map(|p| (p.line, p.column)), position, "{text}");
        assert!(problems[0].message.contains(part), "{text}: {}", problems[0].message);
    }
    assert!(yaml("").unwrap_err()[0].message.contains("empty"));
}

#[test]
fn bounds_depth_and_size() {
    let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
    assert!(yaml(&deep).unwrap_err()[0].message.contains("levels"));
    assert!(Located::read(&deep, Format::Json).is_err());
    let very_deep = "[".repeat(200_000);
    assert!(yaml(&very_deep).is_err());
    assert!(yaml(&"- ".repeat(100_000)).is_err());
    let long = "x".repeat(MAX_BYTES + 1);
    assert!(yaml(&long).unwrap_err()[0].message.contains("bytes"));
    let many = "- 1\n".repeat(MAX_VALUES + 1);
    assert!(yaml(&many).unwrap_err()[0].message.contains("values"));
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        "[ -~éß]{0,8}".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            proptest::collection::btree_map("[ -~é]{0,6}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn json_reads_the_same_as_yaml(value in json_value()) {
        // JSON is YAML flow style; both must give one tree.
        let text = serde_json::to_string_pretty(&value).unwrap();
        let from_json = Located::read(&text, Format::Json).unwrap();
        let from_yaml = yaml(&text).unwrap();
        prop_assert_eq!(from_json.root().to_canonical(), from_yaml.root().to_canonical());
        let again: serde_json::Value = serde_json::from_str(&from_json.root().to_canonical()).unwrap();
        prop_assert_eq!(again, value);
    }

    #[test]
    fn canonical_text_is_that_of_the_json_crate(value in json_value()) {
        let text = value.to_string();
        let document = toolgate_json::Document::read(text.as_bytes(), &toolgate_json::Limits::default()).unwrap();
        let mut expected = Vec::new();
        toolgate_json::write_canonical(&document.root(), &mut expected);
        let own = Located::read(&text, Format::Json).unwrap().root().to_canonical();
        prop_assert_eq!(own.as_bytes(), expected.as_slice());
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[ \\-a-c:\\n\"'{}\\[\\],&*!#|>?%@0-9.]{0,60}") {
        for format in [Format::Json, Format::Yaml] {
            if let Err(problems) = Located::read(&text, format) {
                prop_assert!(!problems.is_empty());
            }
        }
    }
}
