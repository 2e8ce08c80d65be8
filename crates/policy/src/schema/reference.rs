//! References within a schema, and the way back from a place to its pointer.

use toolgate_json::{Kind, Value};

use crate::located::escape_pointer;

/// The value that a local reference such as `#/$defs/order` leads to.
pub(super) fn resolve<'s>(root: Value<'s>, reference: &str) -> Option<Value<'s>> {
    let fragment = decode(reference.strip_prefix('#')?)?;
    if fragment.is_empty() {
        return Some(root);
    }
    fragment.strip_prefix('/')?.split('/').try_fold(root, |value, step| {
        let name = step.replace("~1", "/").replace("~0", "~");
        match value.kind() {
            Kind::Object => value.get(&name),
            Kind::Array => value.at(name.parse().ok()?),
            Kind::Null | Kind::Bool | Kind::Number | Kind::String => None,
        }
    })
}

/// Whether a reference names an anchor of this document.
pub(super) fn is_anchor(reference: &str) -> bool {
    reference.strip_prefix('#').is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

/// Percent-decodes a fragment.
fn decode(fragment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment;
    while let Some((plain, encoded)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        bytes.push(u8::from_str_radix(encoded.get(..2)?, 16).ok()?);
        rest = encoded.get(2..)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

/// The JSON pointer of a place of the document; found by its position when an error needs it.
pub(super) fn pointer_to(root: Value<'_>, place: Value<'_>) -> String {
    let mut pointer = String::new();
    let mut value = root;
    while value.span() != place.span() {
        let holds = |inner: &Value<'_>| {
            inner.span().start <= place.span().start && place.span().end <= inner.span().end
        };
        let member = value.members().find(|member| holds(&member.value));
        let element = value.elements().enumerate().find(|(_, element)| holds(element));
        let (step, next) = match (member, element) {
            (Some(member), _) => (escape_pointer(&member.name.as_str().unwrap_or_default()), member.value),
            (None, Some((index, element))) => (index.to_string(), element),
            (None, None) => return pointer,
        };
        pointer.push('/');
        pointer.push_str(&step);
        value = next;
    }
    pointer
}
