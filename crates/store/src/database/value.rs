//! The values that statements take, and the words that stand for closed sets in columns.

/// A parameter of a statement.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// `TEXT`
    Text(Option<String>),
    /// `BIGINT`
    Int(Option<i64>),
    /// `BOOLEAN`
    Flag(bool),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(Some(text.clone()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Int(Some(number.into()))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// The parameters of a statement, each turned into a [`Value`].
macro_rules! values {
    () => { std::iter::empty::<$crate::database::Value>() };
    ($($value:expr),+ $(,)?) => { [$($crate::database::Value::from($value)),+] };
}

/// An enum's words in columns and messages: `as_str` and `parse`.
macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $name {
            /// Its word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// What the word stands for.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl From<$name> for $crate::database::Value {
            fn from(value: $name) -> Self {
                value.as_str().into()
            }
        }
    };
}

pub(crate) use {values, words};
