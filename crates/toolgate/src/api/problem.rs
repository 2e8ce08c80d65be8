//! What the API says where it does not do what was asked (RFC 9457), as a command's failure.

use std::fmt::Write as _;

use anyhow::anyhow;
use http::StatusCode;
use serde::Deserialize;

use crate::answer::Failure;
use crate::shell::printable;

#[derive(Deserialize)]
struct Problem {
    detail: String,
    #[serde(default)]
    errors: Vec<Mistake>,
}

#[derive(Deserialize)]
struct Mistake {
    #[serde(default)]
    pointer: String,
    message: String,
    help: Option<String>,
}

/// The failure of an answer whose status is none of success.
pub(super) fn failure(status: StatusCode, body: &[u8]) -> Failure {
    let Ok(problem) = serde_json::from_slice::<Problem>(body) else { return no_api(status) };
    let text = words(&problem);
    // The gateway itself could not, or not now; else it would not.
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        Failure::unreachable(anyhow!(text))
    } else {
        Failure::no(text)
    }
}

/// What answered is something else.
pub(super) fn no_api(status: StatusCode) -> Failure {
    Failure::unreachable(anyhow!(
        "what answered ({status}) is no admin API: give the address of the gateway's console"
    ))
}

fn words(problem: &Problem) -> String {
    let mut text = printable(&problem.detail);
    for Mistake { pointer, message, help } in &problem.errors {
        if *message != problem.detail {
            // Writing to a string cannot fail.
            write!(text, "\n  {}: {}", printable(pointer), printable(message)).unwrap_or_default();
        }
        if let Some(help) = help {
            write!(text, ": {}", printable(help)).unwrap_or_default();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Answer;

    #[test]
    fn problems_are_told_with_every_mistake() {
        let check = |status: u16, body: &str, answer: Answer, text: &str| {
            let failure = failure(StatusCode::from_u16(status).unwrap(), body.as_bytes());
            assert_eq!((failure.answer, failure.error.to_string().as_str()), (answer, text));
        };
        check(409, r#"{"detail": "the name is\nin use"}"#, Answer::No, "the name is\\u{a}in use");
        check(503, r#"{"detail": "busy"}"#, Answer::Unreachable, "busy");
        let one = r#"{"detail": "no label", "errors": [{"pointer": "/label", "message": "no label", "help": "use a"}]}"#;
        check(422, one, Answer::No, "no label: use a");
        let two = r#"{"detail": "bad", "errors": [{"pointer": "/a", "message": "x", "help": "y"}, {"pointer": "/b", "message": "z"}]}"#;
        check(422, two, Answer::No, "bad\n  /a: x: y\n  /b: z");
        let no_api =
            "what answered (404 Not Found) is no admin API: give the address of the gateway's console";
        check(404, "not found", Answer::Unreachable, no_api);
    }
}
