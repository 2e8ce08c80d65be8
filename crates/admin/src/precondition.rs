//! Strong `ETag`s from revisions, and `If-Match`, which every change of something that exists must bring
//! (RFC 9110, section 13.1.1; RFC 6585 for 428).

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{StatusCode, header};
use sha2::{Digest as _, Sha256};
use toolgate_gateway::token;
use toolgate_store::{Change, Expect};

use crate::problem::Problem;

/// The tag of a revision in the store.
pub(crate) fn tag(revision: i64) -> String {
    format!("\"{revision}\"")
}

/// The tag of what a file says.
pub(crate) fn file_tag(content: &str) -> String {
    format!("\"file-{}\"", short_hash(content))
}

/// The tag of what comes from several places.
pub(crate) fn content_tag(content: &str) -> String {
    format!("\"{}\"", short_hash(content))
}

fn short_hash(content: &str) -> String {
    let mut hash = token::hex(&Sha256::digest(content.as_bytes()));
    hash.truncate(16);
    hash
}

/// On which condition a change is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// `*`: whatever it is now.
    Any,
    /// One of these tags, quotes included.
    Tags(Vec<String>),
}

impl IfMatch {
    /// The change on this condition.
    pub(crate) fn on<'a>(&self, change: Change<'a>) -> Change<'a> {
        match self {
            Self::Any => change,
            // Only one tag can be a revision that is current; others cannot match.
            Self::Tags(tags) => {
                let revisions: Vec<i64> = tags.iter().filter_map(|tag| revision(tag)).collect();
                Change { expect: Expect::Revision(revisions.first().copied().unwrap_or(-1)), ..change }
            }
        }
    }

    /// Refuses if what is there has another tag.
    pub(crate) fn check(&self, current: &str) -> Result<(), Problem> {
        match self {
            Self::Any => Ok(()),
            Self::Tags(tags) if tags.iter().any(|tag| tag == current) => Ok(()),
            Self::Tags(_) => {
                let detail = format!("it was changed meanwhile, its tag is {current}: look at it again");
                Err(Problem::new(StatusCode::PRECONDITION_FAILED, detail))
            }
        }
    }

    fn read(text: &str) -> Option<Self> {
        if text.trim() == "*" {
            return Some(Self::Any);
        }
        let tags: Vec<String> = text.split(',').map(|tag| tag.trim().to_owned()).collect();
        // A weak tag never matches here, which a caller should be told rather than 412.
        let strong = |tag: &String| {
            tag.len() >= 2
                && tag.strip_prefix('"').and_then(|t| t.strip_suffix('"')).is_some_and(|t| !t.contains('"'))
        };
        (tags.len() == 1 && tags.iter().all(strong)).then_some(Self::Tags(tags))
    }
}

fn revision(tag: &str) -> Option<i64> {
    tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(header::IF_MATCH).iter();
        let Some(value) = values.next() else {
            let detail =
                "send `If-Match` with the `ETag` that you saw, or `*` to change it whatever it is now";
            return Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, detail));
        };
        let single = values.next().is_none();
        let read = value.to_str().ok().filter(|_| single).and_then(Self::read);
        read.ok_or_else(|| {
            let detail = "`If-Match` must be `*` or the one `ETag` that you saw, with its quotes";
            Problem::new(StatusCode::BAD_REQUEST, detail)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read() {
        assert_eq!(IfMatch::read("*"), Some(IfMatch::Any));
        assert_eq!(IfMatch::read(" \"12\" "), Some(IfMatch::Tags(vec!["\"12\"".to_owned()])));
        for bad in ["", "12", "W/\"12\"", "\"1\", \"2\"", "\"", "\"a\"b\""] {
            assert_eq!(IfMatch::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_tag_that_is_no_revision_matches_none() {
        let file = toolgate_store::FileNames::default();
        let on = |text: &str| IfMatch::read(text).unwrap().on(Change::new("a", 0, &file)).expect;
        assert_eq!(on("\"7\""), Expect::Revision(7));
        assert_eq!(on("\"file-00\""), Expect::Revision(-1));
        assert_eq!(on("*"), Expect::Any);
    }
}
