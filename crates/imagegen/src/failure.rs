//! Why no picture came of a call: what happened, the code, and what to do, each for the one who reads it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use rmcp::model::{CallToolResult, ContentBlock};

use crate::secret::Secrets;
use crate::tool::Naming;

/// How much of a vendor's own words is repeated, in characters.
const QUOTED: usize = 2_000;

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    happened: String,
    code: String,
    advice: String,
    spent: Spent,
    rescued: Option<Box<Rescued>>,
}

/// A picture that was made but has no file, for the result to carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rescued {
    /// The file that would have been.
    pub bytes: Bytes,
    /// Its media type.
    pub mime: &'static str,
}

/// Whether the vendor may charge for a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It refused the call, or never had it.
    Nothing,
    /// It may have worked on it.
    Perhaps,
}

impl Failure {
    /// A failure for which nothing is charged. `code` is the vendor's, or one of this server's.
    #[must_use]
    pub fn new(happened: impl Into<String>, code: impl Into<String>, advice: impl Into<String>) -> Self {
        let (happened, code, advice) = (happened.into(), code.into(), advice.into());
        Self { happened, code, advice, spent: Spent::Nothing, rescued: None }
    }

    /// The same failure of a call that the vendor may charge for.
    #[must_use]
    pub fn perhaps_spent(mut self) -> Self {
        self.spent = Spent::Perhaps;
        self
    }

    /// The same failure with the picture that could not be saved, as it was paid for.
    #[must_use]
    pub fn rescuing(mut self, picture: Option<Rescued>) -> Self {
        self.rescued = picture.map(Box::new);
        self
    }

    /// The same failure with these words before what happened.
    #[must_use]
    pub fn led_by(mut self, lead: &str) -> Self {
        self.happened.insert_str(0, lead);
        self
    }

    /// The same failure with the vendor's id of the run, by which people find it there.
    #[must_use]
    pub fn of_run(mut self, id: &str) -> Self {
        if !id.is_empty() {
            self.code.push_str(&format!(" (prediction {id})"));
        }
        self
    }

    /// Whether the vendor may charge for it.
    #[must_use]
    pub fn spent(&self) -> Spent {
        self.spent
    }

    /// The same failure with tools named as clients know them.
    #[must_use]
    pub fn naming(mut self, naming: Naming) -> Self {
        self.advice = naming.told(&self.advice);
        self
    }

    /// The three parts as text, without any key.
    #[must_use]
    pub fn text(&self, secrets: &Secrets) -> String {
        let text = format!("{}\nCode: {}\nWhat to do: {}", self.happened, self.code, self.advice);
        secrets.scrub(&text)
    }

    /// The result that the caller's model can read.
    #[must_use]
    pub fn into_result(self, secrets: &Secrets) -> CallToolResult {
        let mut content = vec![ContentBlock::text(self.text(secrets))];
        let picture =
            self.rescued.map(|picture| ContentBlock::image(STANDARD.encode(&picture.bytes), picture.mime));
        content.extend(picture);
        CallToolResult::error(content)
    }
}

/// A vendor's own words as an error repeats them: on one line, without control characters, cut.
#[must_use]
pub fn quoted(words: &str) -> String {
    let clean = words.split(|letter: char| letter.is_control() || letter.is_whitespace());
    let line = clean.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if line.chars().count() > QUOTED { line.chars().take(QUOTED).chain(['…']).collect() } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn the_text_has_three_parts_and_no_key() {
        let mut secrets = Secrets::default();
        secrets.add(&Secret::new("sk-canary-1"));
        let failure = Failure::new("refused: sk-canary-1 is wrong", "401 invalid_api_key", "set another key");
        assert_eq!(
            failure.text(&secrets),
            "refused: [key] is wrong\nCode: 401 invalid_api_key\nWhat to do: set another key"
        );
        assert_eq!(failure.clone().into_result(&secrets).is_error, Some(true));
        assert_eq!((failure.spent(), failure.perhaps_spent().spent()), (Spent::Nothing, Spent::Perhaps));
    }

    #[test]
    fn a_picture_without_a_file_is_carried_by_the_result() {
        let picture = Rescued { bytes: Bytes::from_static(b"x"), mime: "image/png" };
        let failure = Failure::new("not saved", "disk", "free space").rescuing(Some(picture));
        let result = failure.into_result(&Secrets::default());
        assert_eq!((result.is_error, result.content.len()), (Some(true), 2));
        assert_eq!(result.content[1].as_image().unwrap().data, "eA==");
    }

    #[test]
    fn words_are_quoted_on_one_line_and_cut() {
        assert_eq!(quoted(" a\r\n\tb \u{7}c "), "a b c");
        assert_eq!(quoted(&"ä".repeat(5_000)).chars().count(), QUOTED + 1);
    }
}
