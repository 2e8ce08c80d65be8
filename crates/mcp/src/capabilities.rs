//! What the two sides say they can do, and taking parts of it out of a message.

use toolgate_json::{Splice, Value};

use crate::edit::ObjectEdit;
use crate::message::Request;
use crate::meta::Meta;
use crate::method::Asked;
use crate::names;

/// The client's capability that a server needs before it may ask.
#[must_use]
pub fn needed_for(asked: Asked) -> &'static str {
    match asked {
        Asked::Sampling => "sampling",
        Asked::Elicitation => "elicitation",
        Asked::Roots => "roots",
    }
}

/// The capabilities that a client declares: in the `_meta` of a modern request, or in `initialize`.
#[must_use]
pub fn of_client<'d>(request: &Request<'d>) -> Option<Value<'d>> {
    let params = request.params.as_ref()?;
    let declared = request.meta().and_then(Meta::client_capabilities);
    declared.or_else(|| params.get("capabilities").filter(|_| request.method.as_str() == "initialize"))
}

/// The capabilities in the result of `initialize` or `server/discover`.
#[must_use]
pub fn of_server(result: Value<'_>) -> Option<Value<'_>> {
    result.get("capabilities")
}

/// Takes the named capabilities out, and what a lax reader would take for one of them; tells how many
/// members that were. Other capabilities stay byte for byte.
pub fn strip(capabilities: Value<'_>, names: &[&str], splice: &mut Splice) -> usize {
    let mut edit = ObjectEdit::new(capabilities);
    let count = edit.remove(|member| {
        let found = member.name.as_str().unwrap_or_default();
        names.iter().any(|name| names::is_or_imitates(&found, name))
    });
    edit.write(splice);
    count
}

#[cfg(test)]
mod tests {
    use toolgate_json::{Document, Limits};

    use super::*;
    use crate::message::Message;

    /// What is left of a request's client capabilities.
    fn stripped(text: &str, names: &[&str]) -> (String, usize) {
        let document = Document::read(text.as_bytes(), &Limits::default()).unwrap();
        let Ok(Message::Request(request)) = Message::read(&document) else { panic!("no request: {text}") };
        let mut splice = Splice::new();
        let count = of_client(&request).map_or(0, |found| strip(found, names, &mut splice));
        (String::from_utf8(splice.apply(text.as_bytes())).unwrap(), count)
    }

    #[test]
    fn members_are_stripped_in_both_eras() {
        let all = ["sampling", "elicitation", "roots"];
        let legacy = |capabilities: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"capabilities": {capabilities} }}}}"#
            )
        };
        let modern = |capabilities: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{"_meta":{{"io.modelcontextprotocol/clientCapabilities": {capabilities} }}}}}}"#
            )
        };
        let before = r#"{"roots" : {}, "x":1.0, "Sampling":{},"sampling":{"tools":{}}, "y":[]}"#;
        for write in [&legacy as &dyn Fn(&str) -> String, &modern] {
            assert_eq!(stripped(&write(before), &all), (write(r#"{"x":1.0, "y":[]}"#), 3));
            assert_eq!(stripped(&write("{}"), &all), (write("{}"), 0));
            assert_eq!(stripped(&write(before), &[]), (write(before), 0));
        }
    }

    #[test]
    fn other_params_named_capabilities_are_left_alone() {
        let text = r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"capabilities":{"roots":{}}}}"#;
        assert_eq!(stripped(text, &["roots"]), (text.to_owned(), 0));
    }

    #[test]
    fn a_servers_capabilities_are_found() {
        let text = r#"{"capabilities":{"tools":{},"resources":{"subscribe":true}},"x":1}"#;
        let document = Document::read(text.as_bytes(), &Limits::default()).unwrap();
        let mut splice = Splice::new();
        assert_eq!(strip(of_server(document.root()).unwrap(), &["resources", "prompts"], &mut splice), 1);
        assert_eq!(splice.apply(text.as_bytes()), br#"{"capabilities":{"tools":{}},"x":1}"#);
    }
}
