//! The dated revisions of the protocol and the two eras that they fall into.

use std::fmt;

/// A published revision, ordered by date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// 2024-11-05: the first; HTTP with two endpoints.
    V2024_11_05,
    /// 2025-03-26: Streamable HTTP, batches.
    V2025_03_26,
    /// 2025-06-18: no batches, elicitation, the version header.
    V2025_06_18,
    /// 2025-11-25: URL elicitation, experimental tasks.
    V2025_11_25,
    /// 2026-07-28: no handshake, no session, everything in each request.
    V2026_07_28,
}

/// Which of the two incompatible families a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Era {
    /// Up to 2025-11-25: a handshake, and often a session.
    Legacy,
    /// From 2026-07-28 on: each request stands alone.
    Modern,
}

impl Revision {
    /// Every revision, oldest first.
    pub const ALL: [Revision; 5] =
        [Self::V2024_11_05, Self::V2025_03_26, Self::V2025_06_18, Self::V2025_11_25, Self::V2026_07_28];

    /// The revisions of the legacy era, oldest first.
    pub const LEGACY: [Revision; 4] =
        [Self::V2024_11_05, Self::V2025_03_26, Self::V2025_06_18, Self::V2025_11_25];

    /// The revisions of the modern era, oldest first.
    pub const MODERN: [Revision; 1] = [Self::V2026_07_28];

    /// What an HTTP request without a version header counts as (2025-06-18 and later, transports).
    pub const WITHOUT_HEADER: Revision = Self::V2025_03_26;

    /// The newest revision of the legacy era.
    pub const NEWEST_LEGACY: Revision = Self::V2025_11_25;

    /// The newest revision of the modern era.
    pub const NEWEST_MODERN: Revision = Self::V2026_07_28;

    /// The revision of exactly that spelling; none for a date that is no revision.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|revision| revision.as_str() == text)
    }

    /// The spelling on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The era that the revision belongs to.
    #[must_use]
    pub fn era(self) -> Era {
        match self {
            Self::V2024_11_05 | Self::V2025_03_26 | Self::V2025_06_18 | Self::V2025_11_25 => Era::Legacy,
            Self::V2026_07_28 => Era::Modern,
        }
    }

    /// Whether a JSON array of messages may be received under this revision.
    #[must_use]
    pub fn has_batches(self) -> bool {
        self == Self::V2025_03_26
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_round_trip_in_order() {
        for revision in Revision::ALL {
            assert_eq!(Revision::parse(&revision.to_string()), Some(revision));
        }
        assert!(Revision::ALL.is_sorted());
        assert_eq!([&Revision::LEGACY[..], &Revision::MODERN].concat(), Revision::ALL);
    }

    #[test]
    fn nothing_else_is_a_revision() {
        for text in ["", "2025-03-27", " 2025-03-26", "2025-03-26 ", "2026-07-28\0", "DRAFT-2026-v1"] {
            assert_eq!(Revision::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_era_turns_once() {
        let eras: Vec<Era> = Revision::ALL.iter().map(|r| r.era()).collect();
        assert!(eras.is_sorted());
        assert!(Revision::LEGACY.iter().all(|r| r.era() == Era::Legacy));
        assert!(Revision::MODERN.iter().all(|r| r.era() == Era::Modern));
    }
}
