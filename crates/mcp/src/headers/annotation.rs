//! `x-mcp-header` in a tool's input schema: which arguments a modern request repeats in headers.

use http::HeaderName;
use thiserror::Error;
use toolgate_json::{Kind, Value};

use super::PARAM_PREFIX;

/// One argument that is repeated in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamHeader {
    /// The header, `mcp-param-…`.
    pub header: HeaderName,
    /// Where the argument stands: the member names from `arguments` inwards, at least one.
    pub path: Vec<String>,
    /// The argument's type.
    pub kind: ParamKind,
}

/// The types that can be repeated in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// `string`
    String,
    /// `integer`
    Integer,
    /// `boolean`
    Boolean,
}

/// Why a tool's headers cannot be used; such a tool is left out of lists over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`x-mcp-header` at `{at}` {reason}")]
pub struct InvalidAnnotation {
    /// JSON pointer of the schema that carries it.
    pub at: String,
    /// What is wrong.
    pub reason: &'static str,
}

impl ParamHeader {
    /// The argument in a call; none if it is absent or `null`.
    #[must_use]
    pub fn argument<'d>(&self, arguments: Option<Value<'d>>) -> Option<Value<'d>> {
        let found = self.path.iter().try_fold(arguments?, |value, name| value.get(name));
        found.filter(|value| !value.is_null())
    }

    /// The argument's place in a message, for people.
    #[must_use]
    pub fn member(&self) -> String {
        format!("params.arguments.{}", self.path.join("."))
    }
}

/// The headers that an input schema asks for (2026-07-28, Streamable HTTP, "Schema Extension").
///
/// # Errors
///
/// An annotation that is not a header name, is not unique ignoring case, is not on a string, integer or
/// boolean, or is reached through anything but `properties`.
pub fn x_mcp_header_rules(input_schema: Value<'_>) -> Result<Vec<ParamHeader>, InvalidAnnotation> {
    let mut walk = Walk { found: Vec::new(), pointer: Vec::new() };
    walk.schema(input_schema, Some(&[]))?;
    Ok(walk.found)
}

struct Walk {
    found: Vec<ParamHeader>,
    /// Unescaped tokens of the place that is looked at.
    pointer: Vec<String>,
}

impl Walk {
    /// Looks at a schema. `path` tells by which arguments it is reached; none off the chain.
    fn schema(&mut self, schema: Value<'_>, path: Option<&[String]>) -> Result<(), InvalidAnnotation> {
        for member in schema.members() {
            let keyword = member.name.as_str().unwrap_or_default();
            match &*keyword {
                "x-mcp-header" => self.annotation(schema, member.value, path)?,
                "properties" => self.named_schemas(&keyword, member.value, path)?,
                "$defs" | "definitions" | "dependencies" | "dependentSchemas" | "patternProperties" => {
                    self.named_schemas(&keyword, member.value, None)?;
                }
                // These hold data, not schemas.
                "default" | "const" | "enum" | "examples" | "required" | "dependentRequired" => {}
                _ => self.within(&keyword, member.value)?,
            }
        }
        Ok(())
    }

    fn named_schemas(
        &mut self,
        keyword: &str,
        schemas: Value<'_>,
        path: Option<&[String]>,
    ) -> Result<(), InvalidAnnotation> {
        self.pointer.push(keyword.to_owned());
        for member in schemas.members() {
            let name = member.name.as_str().unwrap_or_default().into_owned();
            let path = path.map(|path| [path, std::slice::from_ref(&name)].concat());
            self.pointer.push(name);
            self.schema(member.value, path.as_deref())?;
            self.pointer.pop();
        }
        self.pointer.pop();
        Ok(())
    }

    /// Looks at the value of any other keyword, for schemas below it.
    fn within(&mut self, token: &str, value: Value<'_>) -> Result<(), InvalidAnnotation> {
        self.pointer.push(token.to_owned());
        self.schema(value, None)?;
        for (index, element) in value.elements().enumerate() {
            self.within(&index.to_string(), element)?;
        }
        self.pointer.pop();
        Ok(())
    }

    fn annotation(
        &mut self,
        schema: Value<'_>,
        name: Value<'_>,
        path: Option<&[String]>,
    ) -> Result<(), InvalidAnnotation> {
        let path = match path {
            Some(path) if !path.is_empty() => path.to_vec(),
            _ => return Err(self.invalid("is not reached through `properties` alone")),
        };
        let name = name.as_str().filter(|name| !name.is_empty() && name.bytes().all(is_token_byte));
        let name = name.ok_or_else(|| self.invalid("is not a header name (RFC 9110 token)"))?;
        let header = HeaderName::try_from(format!("{PARAM_PREFIX}{}", name.to_ascii_lowercase()))
            .map_err(|_| self.invalid("is not a header name (RFC 9110 token)"))?;
        if self.found.iter().any(|other| other.header == header) {
            return Err(self.invalid("names a header that another argument has"));
        }
        let kind = ParamKind::of(schema)
            .ok_or_else(|| self.invalid("is not on a `string`, `integer` or `boolean`"))?;
        self.found.push(ParamHeader { header, path, kind });
        Ok(())
    }

    fn invalid(&self, reason: &'static str) -> InvalidAnnotation {
        let escape = |token: &String| format!("/{}", token.replace('~', "~0").replace('/', "~1"));
        InvalidAnnotation { at: self.pointer.iter().map(escape).collect(), reason }
    }
}

impl ParamKind {
    fn of(schema: Value<'_>) -> Option<Self> {
        let kind = schema.get("type").filter(|kind| kind.kind() == Kind::String)?;
        match &*kind.as_str()? {
            "string" => Some(Self::String),
            "integer" => Some(Self::Integer),
            "boolean" => Some(Self::Boolean),
            _ => None,
        }
    }
}

/// RFC 9110, 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use toolgate_json::{Document, Limits};

    use super::*;

    fn rules(schema: &str) -> Result<Vec<(String, String, ParamKind)>, String> {
        let document = Document::read(schema.as_bytes(), &Limits::default()).unwrap();
        let rules = x_mcp_header_rules(document.root()).map_err(|error| error.to_string())?;
        Ok(rules.into_iter().map(|r| (r.header.as_str().to_owned(), r.path.join("/"), r.kind)).collect())
    }

    fn property(annotation: &str, kind: &str) -> String {
        format!(r#"{{"properties":{{"a":{{"type":{kind},"x-mcp-header":{annotation}}}}}}}"#)
    }

    #[test]
    fn annotations_on_the_chain_count() {
        let schema = r#"{"type":"object","properties":{
            "region":{"type":"string","x-mcp-header":"Region"},
            "page":{"type":"object","properties":{"size":{"x-mcp-header":"PAGE-size","type":"integer"}}},
            "dry":{"type":"boolean","x-mcp-header":"Dry","default":{"x-mcp-header":1}},
            "x-mcp-header":{"type":"string"},
            "properties":{"type":"string","x-mcp-header":"P"}}}"#;
        let expected = [
            ("mcp-param-region", "region", ParamKind::String),
            ("mcp-param-page-size", "page/size", ParamKind::Integer),
            ("mcp-param-dry", "dry", ParamKind::Boolean),
            ("mcp-param-p", "properties", ParamKind::String),
        ];
        let expected = expected.map(|(header, path, kind)| (header.to_owned(), path.to_owned(), kind));
        assert_eq!(rules(schema), Ok(expected.to_vec()));
        for schema in ["{}", "true", r#"{"properties":{"a":true}}"#, r#"{"enum":[{"x-mcp-header":"A"}]}"#] {
            assert_eq!(rules(schema), Ok(vec![]), "{schema}");
        }
    }

    #[test]
    fn wrong_names_and_types_are_refused() {
        for annotation in
            [r#""""#, r#""a b""#, r#""a:b""#, r#""a\r\nb""#, r#""a\u0000""#, r#""é""#, "1", "null", "[]"]
        {
            let error = rules(&property(annotation, r#""string""#)).unwrap_err();
            assert_eq!(error, "`x-mcp-header` at `/properties/a` is not a header name (RFC 9110 token)");
        }
        for kind in [r#""number""#, r#""object""#, r#""array""#, r#""null""#, r#"["string"]"#, "1"] {
            let error = rules(&property(r#""A""#, kind)).unwrap_err();
            assert!(error.ends_with("is not on a `string`, `integer` or `boolean`"), "{error}");
        }
        let twice = r#"{"properties":{"a":{"type":"string","x-mcp-header":"Re"},
            "b":{"properties":{"c":{"type":"string","x-mcp-header":"rE"}}}}}"#;
        assert_eq!(
            rules(twice).unwrap_err(),
            "`x-mcp-header` at `/properties/b/properties/c` names a header that another argument has"
        );
    }

    #[test]
    fn annotations_off_the_chain_are_refused() {
        let a = r#"{"type":"string","x-mcp-header":"A"}"#;
        let schemas = [
            a.to_owned(),
            format!(r#"{{"items":{a}}}"#),
            format!(r#"{{"prefixItems":[{a}]}}"#),
            format!(r#"{{"allOf":[{{"properties":{{"p":{a}}}}}]}}"#),
            format!(r#"{{"oneOf":[[{a}]]}}"#),
            format!(r#"{{"not":{a}}}"#),
            format!(r#"{{"if":{{}},"then":{{"properties":{{"p":{a}}}}}}}"#),
            format!(r#"{{"$defs":{{"d":{a}}}}}"#),
            format!(r#"{{"definitions":{{"default":{a}}}}}"#),
            format!(r#"{{"patternProperties":{{"^p":{a}}}}}"#),
            format!(r#"{{"additionalProperties":{a}}}"#),
            format!(r#"{{"properties":{{"p":{{"items":{{"properties":{{"q":{a}}}}}}}}}}}"#),
            format!(r#"{{"x-unknown":{{"deep":{a}}}}}"#),
        ];
        for schema in schemas {
            let error = rules(&schema).unwrap_err();
            assert!(error.ends_with("is not reached through `properties` alone"), "{schema}: {error}");
        }
        let error = rules(&format!(r#"{{"$defs":{{"a/b~":{a}}}}}"#)).unwrap_err();
        assert!(error.contains("`/$defs/a~1b~0`"), "{error}");
    }
}
