//! JSON as clients let it be written, with comments and commas behind the last element: both are blanked out,
//! so that what is left is JSON with every line and column where it was.

/// The text with comments and trailing commas replaced by spaces.
pub(super) fn blanked(text: &str) -> String {
    let mut out: Vec<char> = Vec::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    // Where a comma stands that nothing but space has followed.
    let mut comma: Option<usize> = None;
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                comma = None;
                out.push(c);
                copy_string(&mut chars, &mut out);
            }
            '/' if chars.peek() == Some(&'/') => {
                out.push(' ');
                while let Some(c) = chars.next_if(|c| *c != '\n') {
                    out.push(if c == '\r' { c } else { ' ' });
                }
            }
            '/' if chars.peek() == Some(&'*') => {
                out.extend([' ', ' ']);
                chars.next();
                blank_block(&mut chars, &mut out);
            }
            ',' => {
                comma = Some(out.len());
                out.push(c);
            }
            '}' | ']' => {
                if let Some(place) = comma.take().and_then(|at| out.get_mut(at)) {
                    *place = ' ';
                }
                out.push(c);
            }
            c => {
                if !c.is_whitespace() {
                    comma = None;
                }
                out.push(c);
            }
        }
    }
    out.into_iter().collect()
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn copy_string(chars: &mut Chars<'_>, out: &mut Vec<char>) {
    while let Some(c) = chars.next() {
        out.push(c);
        match c {
            '"' => return,
            '\\' => out.extend(chars.next()),
            _ => {}
        }
    }
}

fn blank_block(chars: &mut Chars<'_>, out: &mut Vec<char>) {
    while let Some(c) = chars.next() {
        if c == '*' && chars.next_if_eq(&'/').is_some() {
            out.extend([' ', ' ']);
            return;
        }
        out.push(if c == '\n' || c == '\r' { c } else { ' ' });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn comments_and_commas_go_and_places_stay() {
        for (text, expected) in [
            ("{\"a\": 1, // one, two\n}", "{\"a\": 1             \n}"),
            ("[1, /* x\n y */ ]", "[1      \n      ]"),
            ("{\"a//b\": \"/*c*/,}\"}", "{\"a//b\": \"/*c*/,}\"}"),
            ("[\"\\\"//\", 1,]", "[\"\\\"//\", 1 ]"),
            ("[1,,]", "[1, ]"),
            ("/", "/"),
        ] {
            assert_eq!(blanked(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn lines_and_columns_are_kept(text in "[\\[\\]{},\"/* \na1\\\\ü]{0,80}") {
            let blank = blanked(&text);
            let sizes = |text: &str| text.split('\n').map(|line| line.chars().count()).collect::<Vec<_>>();
            prop_assert_eq!(sizes(&blank), sizes(&text));
        }

        #[test]
        fn json_stays_as_it_is(words in prop::collection::vec("[^\u{0}]{0,12}", 0..6)) {
            let text = serde_json::to_string_pretty(&serde_json::json!({"a": words, "b": [1, {}, []]})).unwrap();
            prop_assert_eq!(blanked(&text), text);
        }
    }
}
