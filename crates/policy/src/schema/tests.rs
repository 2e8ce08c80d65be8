//! Schemas against arguments: cases of each keyword, hostile schemas, and random schemas judged the
//! same way by the general validator.

use std::time::Instant;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(text: &str) -> Document<'_> {
    Document::read(text.as_bytes(), &Limits::default()).unwrap()
}

fn compile(text: &str) -> Result<Schema, SchemaError> {
    Schema::compile(&read(text).root())
}

/// `Ok` or the pointer and message of the violation.
fn verdict(schema: &str, arguments: &str) -> Result<(), String> {
    let schema = compile(schema).unwrap();
    let result = schema.check(Some(read(arguments).root()), UnknownArguments::AsWritten);
    result.map_err(|violation| format!("{} {}", violation.pointer, violation.message))
}

/// A schema, what it accepts, and what it does not.
type Case = (&'static str, &'static [&'static str], &'static [&'static str]);

const CASES: &[Case] = &[
    (
        r#"{"type":"integer"}"#,
        &["1", "1.0", "1e3", "-0", "9007199254740993"],
        &["1.5", "\"5\"", "null", "true"],
    ),
    (r#"{"type":["string","null"]}"#, &["\"a\"", "null"], &["0", "[]"]),
    (r#"{"enum":[1,"a",null,[1,2]]}"#, &["1.0", "\"a\"", "null", "[1,2]"], &["2", "\"b\"", "[2,1]", "false"]),
    (r#"{"const":9007199254740993}"#, &["9007199254740993"], &["9007199254740992"]),
    (r#"{"maximum":9007199254740992}"#, &["9007199254740992", "\"x\""], &["9007199254740993"]),
    (r#"{"exclusiveMinimum":0,"exclusiveMaximum":1}"#, &["0.5", "1e-300"], &["0", "1", "-0"]),
    (r#"{"multipleOf":0.01}"#, &["0.07", "4.35", "1e2", "0"], &["0.075"]),
    (r#"{"multipleOf":3}"#, &["9007199254740993", "-3"], &["9007199254740992", "1e300"]),
    (r#"{"minLength":2,"maxLength":3}"#, &["\"éé\"", "\"abc\"", "7"], &["\"é\"", "\"abcd\""]),
    (r#"{"pattern":"^\\d+$"}"#, &["\"12\""], &["\"١٢\"", "\"1a\""]),
    (r#"{"minItems":1,"maxItems":2}"#, &["[1]", "{}"], &["[]", "[1,2,3]"]),
    (r#"{"uniqueItems":true}"#, &["[1,\"1\",[1]]"], &["[1,1.0]", "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}]"]),
    (
        r#"{"prefixItems":[{"type":"string"}],"items":{"type":"number"}}"#,
        &["[\"a\",1]", "[]"],
        &["[1]", "[\"a\",\"b\"]"],
    ),
    (r#"{"items":[{"type":"string"}],"additionalItems":false}"#, &["[\"a\"]"], &["[\"a\",1]", "[1]"]),
    (r#"{"contains":{"const":1},"minContains":2,"maxContains":3}"#, &["[1,1,0]"], &["[1]", "[1,1,1,1]"]),
    (r#"{"contains":{"const":1},"minContains":0}"#, &["[]"], &[]),
    (
        r#"{"properties":{"a":{"type":"string"}},"required":["a"]}"#,
        &["{\"a\":\"\"}", "3"],
        &["{}", "{\"a\":1}"],
    ),
    (
        r#"{"additionalProperties":false,"properties":{"a":{}},"patternProperties":{"^x":{"type":"number"}}}"#,
        &["{\"a\":1,\"xy\":2}"],
        &["{\"b\":1}", "{\"xy\":\"\"}"],
    ),
    (r#"{"propertyNames":{"maxLength":2}}"#, &["{\"ab\":1}"], &["{\"abc\":1}"]),
    (r#"{"minProperties":1,"maxProperties":1}"#, &["{\"a\":1}"], &["{}", "{\"a\":1,\"b\":2}"]),
    (r#"{"dependentRequired":{"a":["b"]}}"#, &["{\"b\":1}", "{\"a\":1,\"b\":1}"], &["{\"a\":1}"]),
    (r#"{"dependentSchemas":{"a":{"required":["b"]}}}"#, &["{}"], &["{\"a\":1}"]),
    (
        r#"{"$schema":"http://json-schema.org/draft-07/schema#","dependencies":{"a":["b"],"c":{"required":["d"]}}}"#,
        &["{\"a\":1,\"b\":1}"],
        &["{\"a\":1}", "{\"c\":1}"],
    ),
    (r#"{"anyOf":[{"type":"string"},{"minimum":5}]}"#, &["\"a\"", "5"], &["4"]),
    (r#"{"oneOf":[{"multipleOf":2},{"multipleOf":3}]}"#, &["2", "3"], &["6", "5"]),
    (r#"{"allOf":[{"minimum":1},{"maximum":2}]}"#, &["1"], &["0", "3"]),
    (r#"{"not":{"type":"null"}}"#, &["1"], &["null"]),
    (r#"{"if":{"minimum":10},"then":{"multipleOf":10},"else":{"maximum":5}}"#, &["20", "5"], &["11", "6"]),
    (
        r##"{"$defs":{"n":{"type":"number"}},"properties":{"a":{"$ref":"#/$defs/n"}}}"##,
        &["{\"a\":1}"],
        &["{\"a\":\"\"}"],
    ),
    (r##"{"definitions":{"a/b~c":{"type":"number"}},"$ref":"#/definitions/a~1b~0c"}"##, &["1"], &["\"\""]),
    (
        r##"{"properties":{"next":{"$ref":"#"}},"additionalProperties":false}"##,
        &["{\"next\":{\"next\":{}}}"],
        &["{\"next\":{\"other\":1}}"],
    ),
    (
        r##"{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"s":{"type":"string"}},
            "properties":{"a":{"$ref":"#/definitions/s","maxLength":1}}}"##,
        &["{\"a\":\"long\"}"],
        &["{\"a\":1}"],
    ),
    ("true", &["1"], &[]),
    ("false", &[], &["1", "null"]),
    (
        r#"{"title":"t","format":"email","default":3,"examples":[1],"x-order":1,"nullable":true}"#,
        &["1", "\"no\""],
        &[],
    ),
];

#[test]
fn checks_each_keyword() {
    for (schema, good, bad) in CASES {
        assert!(compile(schema).unwrap().is_direct(), "{schema}");
        for arguments in *good {
            assert_eq!(verdict(schema, arguments), Ok(()), "{schema} with {arguments}");
        }
        for arguments in *bad {
            assert!(verdict(schema, arguments).is_err(), "{schema} with {arguments}");
        }
    }
}

#[test]
fn says_where_and_what() {
    let schema = r#"{"type":"object","required":["a"],"additionalProperties":false,"properties":{
        "a":{"type":"array","items":{"type":"object","properties":{"x/y":{"maximum":3}}}},"b":{"enum":["u","v"]}}}"#;
    for (arguments, expected) in [
        (r#"{}"#, " `a` is missing"),
        (r#"[]"#, " expected object, found a list"),
        (r#"{"a":[],"c":1}"#, "/c unknown argument"),
        (r#"{"a":[{},{"x/y":4}]}"#, "/a/1/x~1y must be at most 3"),
        (r#"{"a":[],"b":"secret"}"#, "/b not one of the allowed values"),
    ] {
        assert_eq!(verdict(schema, arguments), Err(expected.to_owned()));
    }
    let schema = compile(schema).unwrap();
    let violation = schema.check(None, UnknownArguments::AsWritten).unwrap_err();
    assert_eq!(violation.to_string(), "`a` is missing (at the top)");
}

#[test]
fn strict_refuses_what_no_schema_of_the_object_names() {
    let schema = r##"{"properties":{"a":{}},"patternProperties":{"^x-":{}},"allOf":[{"$ref":"#/$defs/m"}],
        "$defs":{"m":{"properties":{"b":{}},"anyOf":[{"properties":{"c":{}}}]}}}"##;
    let schema = compile(schema).unwrap();
    let check = |arguments: &str| schema.check(Some(read(arguments).root()), UnknownArguments::Refused);
    assert_eq!(check(r#"{"a":1,"b":2,"c":3,"x-y":4}"#), Ok(()));
    assert_eq!(check(r#"{"a":1,"d":2}"#).unwrap_err().pointer, "/d");
    assert!(schema.check(Some(read(r#"{"d":2}"#).root()), UnknownArguments::AsWritten).is_ok());
}

#[test]
fn the_general_validator_takes_what_is_left() {
    let schema = r#"{"allOf":[{"properties":{"a":{"type":"number"}}}],"unevaluatedProperties":false}"#;
    assert!(!compile(schema).unwrap().is_direct());
    assert_eq!(verdict(schema, r#"{"a":1}"#), Ok(()));
    let error = verdict(schema, r#"{"a":1,"secret":2}"#).unwrap_err();
    assert!(error.contains("nevaluated"), "{error}");
    // Floats would take the one for the other.
    assert!(verdict(schema, r#"{"a":123456789012345678901234567890}"#).is_err());
    let anchored = r##"{"$ref":"#n","$defs":{"n":{"$anchor":"n","type":"number"}}}"##;
    assert_eq!((verdict(anchored, "1"), verdict(anchored, "\"\"").is_err()), (Ok(()), true));
    let old = r#"{"$schema":"http://json-schema.org/draft-04/schema#","minimum":1,"exclusiveMinimum":true}"#;
    assert_eq!((verdict(old, "2"), verdict(old, "1").is_err()), (Ok(()), true));
}

#[test]
fn refuses_malformed_schemas() {
    for (schema, pointer) in [
        ("1", ""),
        ("[]", ""),
        (r#"{"type":"any"}"#, "/type"),
        (r#"{"type":[]}"#, "/type"),
        (r#"{"properties":{"a":{"required":true}}}"#, "/properties/a/required"),
        (r#"{"properties":[]}"#, "/properties"),
        (r#"{"properties":{"a/b":3}}"#, "/properties/a~1b"),
        (r#"{"minimum":"1"}"#, "/minimum"),
        (r#"{"minLength":-1}"#, "/minLength"),
        (r#"{"minLength":1.5}"#, "/minLength"),
        (r#"{"multipleOf":0}"#, "/multipleOf"),
        (r#"{"enum":3}"#, "/enum"),
        (r#"{"anyOf":[]}"#, "/anyOf"),
        (r#"{"pattern":"("}"#, "/pattern"),
        (r#"{"pattern":"(?=a)"}"#, "/pattern"),
        (r#"{"pattern":"(a)\\1"}"#, "/pattern"),
        (r#"{"$schema":"https://example.com/mine"}"#, "/$schema"),
        (r#"{"$ref":"https://example.com/schema.json"}"#, "/$ref"),
        (r#"{"$ref":"other.json#/a"}"#, "/$ref"),
        (r#"{"items":{"$ref":"file:///etc/passwd"}}"#, "/items/$ref"),
        (r##"{"$ref":"#/$defs/none"}"##, "/$ref"),
    ] {
        assert_eq!(compile(schema).unwrap_err().pointer, pointer, "{schema}");
    }
}

/// Sixty schemas that try to cost time, memory, or a connection.
fn hostile() -> Vec<String> {
    let mut schemas = Vec::new();
    for n in 1..=10 {
        // References that multiply: 2^(3n) paths to the last.
        let defs: Vec<String> = (0..3 * n)
            .map(|i| {
                format!(r##""d{i}":{{"allOf":[{{"$ref":"#/$defs/d{}"}},{{"$ref":"#/$defs/d{0}"}}]}}"##, i + 1)
            })
            .collect();
        let last = format!(r#""d{}":{{"minimum":0}}"#, 3 * n);
        let defs = format!("{},{last}", defs.join(","));
        schemas.push(format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{defs}}}}}"##));
        schemas
            .push(format!(r##"{{"$ref":"#/$defs/d0","unevaluatedProperties":false,"$defs":{{{defs}}}}}"##));
        schemas.push(format!(r#"{{"pattern":"(?:a{{1,{n}00}}){{1,{n}00}}"}}"#));
        schemas.push(format!(r#"{{"pattern":"(\\p{{L}}|\\p{{N}}){{{n}00}}"}}"#));
        let nested = 6 * n;
        schemas.push(format!("{}{{}}{}", r#"{"not":"#.repeat(nested), "}".repeat(nested)));
        let wide: Vec<String> = (0..n * 300).map(|i| format!(r#""p{i}":{{"pattern":"^{i}$"}}"#)).collect();
        schemas.push(format!(r#"{{"properties":{{{}}}}}"#, wide.join(",")));
    }
    for schema in [
        r##"{"$ref":"#"}"##,
        r##"{"allOf":[{"$ref":"#"},{"$ref":"#"}]}"##,
        r##"{"not":{"$ref":"#"}}"##,
        r##"{"anyOf":[{"$ref":"#"},{"$ref":"#"}],"unevaluatedItems":false}"##,
        r##"{"$dynamicAnchor":"a","anyOf":[{"$dynamicRef":"#a"},{"$dynamicRef":"#a"}]}"##,
        r##"{"$recursiveAnchor":true,"items":{"$recursiveRef":"#"},"$schema":"https://json-schema.org/draft/2019-09/schema"}"##,
        r##"{"$id":"https://evil.example/","unevaluatedItems":false,"items":{"$ref":"other"}}"##,
        r##"{"items":{"$id":"https://evil.example/","$ref":"#/x"}}"##,
    ] {
        schemas.push(schema.to_owned());
    }
    schemas
}

#[test]
fn hostile_schemas_cost_little() {
    // An unoptimised build is some twenty times slower than the bound for a release.
    let bound = if cfg!(debug_assertions) { 2_000 } else { 50 };
    for schema in hostile() {
        // The best of three: other work on the machine is not what is measured.
        let mut millis = u128::MAX;
        for _ in 0..3 {
            if millis >= bound {
                millis = millis.min(cost_in_millis(&schema));
            }
        }
        let shown: String = schema.chars().take(120).collect();
        assert!(millis < bound, "{millis} ms: {shown}");
    }
}

fn cost_in_millis(schema: &str) -> u128 {
    let start = now();
    if let Ok(compiled) = compile(schema) {
        let arguments = r#"{"a":{"b":[1,2,"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]}}"#;
        let _outcome = compiled.check(Some(read(arguments).root()), UnknownArguments::AsWritten);
    }
    start.elapsed().as_millis()
}

#[expect(clippy::disallowed_methods, reason = "measures how long a compilation takes")]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn endless_schemas_refuse_also_under_not() {
    for schema in [r##"{"$ref":"#"}"##, r##"{"not":{"not":{"$ref":"#"}}}"##, r##"{"not":{"$ref":"#"}}"##] {
        assert!(verdict(schema, "{}").unwrap_err().contains("too long"), "{schema}");
    }
}

fn instance() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|b| json!(b)),
        (-3_i64..6).prop_map(|n| json!(n)),
        (-6_i64..12).prop_map(|n| json!(n as f64 / 2.0)),
        "[ab]{0,3}".prop_map(|s| json!(s)),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|list| json!(list)),
            proptest::collection::btree_map("[abc]", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

fn keyword(inner: &BoxedStrategy<serde_json::Value>) -> BoxedStrategy<(String, serde_json::Value)> {
    let schema = inner.clone();
    let list = proptest::collection::vec(inner.clone(), 1..3);
    let map = proptest::collection::btree_map("[abc]", inner.clone(), 0..3);
    let names = proptest::collection::btree_set("[abc]", 0..3);
    let types = prop_oneof!["null", "boolean", "number", "integer", "string", "array", "object"];
    let type_list = proptest::collection::btree_set(
        prop::sample::select(vec!["null", "boolean", "number", "integer", "string", "array", "object"]),
        1..4,
    );
    prop_oneof![
        types.prop_map(|t| ("type".into(), json!(t))),
        type_list.prop_map(|t| ("type".into(), json!(t))),
        proptest::collection::vec(instance(), 1..4).prop_map(|v| ("enum".into(), json!(v))),
        instance().prop_map(|v| ("const".into(), v)),
        (prop::sample::select(vec!["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]), -4_i64..8)
            .prop_map(|(k, n)| (k.into(), json!(n as f64 / 2.0))),
        prop::sample::select(vec![json!(1), json!(2), json!(0.5), json!(1.5)])
            .prop_map(|n| ("multipleOf".into(), n)),
        (
            prop::sample::select(vec![
                "minLength",
                "maxLength",
                "minItems",
                "maxItems",
                "minProperties",
                "maxProperties"
            ]),
            0_u32..4
        )
            .prop_map(|(k, n)| (k.into(), json!(n))),
        prop::sample::select(vec!["^a", "b$", "^(?:ab)*$", "a|b"]).prop_map(|p| ("pattern".into(), json!(p))),
        any::<bool>().prop_map(|b| ("uniqueItems".into(), json!(b))),
        names.clone().prop_map(|n| ("required".into(), json!(n))),
        map.clone().prop_map(|m| ("properties".into(), json!(m))),
        map.clone().prop_map(|m| ("patternProperties".into(), json!(m))),
        map.prop_map(|m| ("dependentSchemas".into(), json!(m))),
        proptest::collection::btree_map("[abc]", names, 0..3)
            .prop_map(|m| ("dependentRequired".into(), json!(m))),
        (
            prop::sample::select(vec![
                "additionalProperties",
                "propertyNames",
                "items",
                "contains",
                "not",
                "if",
                "then",
                "else"
            ]),
            schema
        )
            .prop_map(|(k, s)| (k.into(), s)),
        (prop::sample::select(vec!["minContains", "maxContains"]), 0_u32..3)
            .prop_map(|(k, n)| (k.into(), json!(n))),
        (prop::sample::select(vec!["allOf", "anyOf", "oneOf", "prefixItems"]), list)
            .prop_map(|(k, l)| (k.into(), json!(l))),
    ]
    .boxed()
}

fn schema() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![4 => Just(json!({})), 1 => any::<bool>().prop_map(|b| json!(b))].boxed();
    let reference =
        prop_oneof![Just(json!({"$ref": "#/$defs/x"})), Just(json!({"$ref": "#/$defs/y"})), leaf.clone()];
    let object = |inner: BoxedStrategy<serde_json::Value>| {
        proptest::collection::vec(keyword(&inner), 1..4).prop_map(|keywords| {
            serde_json::Value::Object(keywords.into_iter().collect::<serde_json::Map<_, _>>())
        })
    };
    let shallow = object(reference.boxed());
    let deep = object(shallow.prop_union(object(leaf.clone())).boxed());
    // `y` may refer to `x`, not back: recursion without an end is refused, and not what is compared.
    (deep, object(leaf.clone()), object(leaf)).prop_map(|(mut schema, x, y)| {
        if let Some(object) = schema.as_object_mut() {
            object.insert("$defs".into(), json!({"x": x, "y": {"allOf": [y, {"$ref": "#/$defs/x"}]}}));
        }
        schema
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn agrees_with_the_general_validator(schema in schema(), instances in proptest::collection::vec(instance(), 6)) {
        let text = schema.to_string();
        let own = compile(&text).unwrap();
        prop_assert!(own.is_direct());
        let other = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(false)
            .build(&schema)
            .unwrap();
        for instance in instances {
            let arguments = instance.to_string();
            let verdict = own.check(Some(read(&arguments).root()), UnknownArguments::AsWritten);
            prop_assert_eq!(verdict.is_ok(), other.is_valid(&instance), "{} with {}: {:?}", text, arguments, verdict);
            if let Err(violation) = verdict {
                prop_assert!(!violation.message.contains("too long"), "{} with {}", text, arguments);
            }
        }
    }
}
