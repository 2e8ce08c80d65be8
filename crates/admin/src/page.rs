//! Lists page by page: ordered by name, the cursor is the last name of the page before.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;

/// Most items of a page.
pub(crate) const MOST: u32 = 200;
const USUAL: u32 = 50;

/// Which part of a list is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// `next` of the page before; none begins at the front.
    cursor: Option<String>,
    /// How many items at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The items.
    pub(crate) items: Vec<T>,
    /// Cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// A part of a list, checked.
#[derive(Debug)]
pub(crate) struct Slice {
    /// The name that the page comes after.
    pub(crate) after: Option<String>,
    /// How many at most.
    pub(crate) limit: u32,
}

impl Part {
    /// Checks cursor and limit.
    pub(crate) fn checked(&self) -> Result<Slice, Problem> {
        slice(self.cursor.as_deref(), self.limit)
    }
}

/// A part of a list whose query has more than cursor and limit.
pub(crate) fn slice(cursor: Option<&str>, wanted: Option<u32>) -> Result<Slice, Problem> {
    Ok(Slice { after: cursor.map(read_cursor).transpose()?, limit: limit(wanted)? })
}

/// The number of items that a page may hold.
pub(crate) fn limit(wanted: Option<u32>) -> Result<u32, Problem> {
    match wanted.unwrap_or(USUAL) {
        limit @ 1..=MOST => Ok(limit),
        _ => Err(Problem::new(StatusCode::BAD_REQUEST, format!("`limit` must be 1 to {MOST}"))),
    }
}

fn read_cursor(text: &str) -> Result<String, Problem> {
    let name = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    name.filter(|name| !name.is_empty()).ok_or_else(|| {
        Problem::new(StatusCode::BAD_REQUEST, "`cursor` is none of this list: begin again without one")
    })
}

impl Slice {
    /// The part of the store's list that is needed: one more than the page holds.
    pub(crate) fn of_store(&self) -> toolgate_store::Page<'_> {
        toolgate_store::Page { after: self.after.as_deref(), limit: self.limit.saturating_add(1) }
    }

    /// Whether a name comes after the page before.
    pub(crate) fn is_after(&self, name: &str) -> bool {
        self.after.as_deref().is_none_or(|after| name > after)
    }

    /// The page of named items that come after the page before, in any order. Where a name stands twice the
    /// first one is taken.
    pub(crate) fn page<T>(&self, mut items: Vec<(String, T)>) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        items.retain(|(name, _)| self.is_after(name));
        items.sort_by(|(a, _), (b, _)| a.cmp(b));
        items.dedup_by(|(later, _), (first, _)| later == first);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|(name, _)| URL_SAFE_NO_PAD.encode(name));
        Page { items: items.into_iter().map(|(_, item)| item).collect(), next }
    }

    /// As [`Slice::page`], where only names up to `last` are known, and there are more behind it.
    pub(crate) fn page_until<T>(&self, mut items: Vec<(String, T)>, last: &str) -> Page<T> {
        items.retain(|(name, _)| name.as_str() <= last);
        let page = self.page(items);
        Page { next: page.next.or_else(|| Some(URL_SAFE_NO_PAD.encode(last))), ..page }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gap_or_repetition() {
        let names = ["d", "a", "c", "b", "e"];
        for size in 1..=6 {
            let (mut cursor, mut seen) = (None, Vec::new());
            loop {
                let part = Part { cursor, limit: Some(size) }.checked().unwrap();
                let page = part.page(names.iter().map(|n| ((*n).to_owned(), *n)).collect());
                seen.extend(page.items);
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen, ["a", "b", "c", "d", "e"], "{size}");
        }
    }

    #[test]
    fn what_is_no_cursor_or_limit_is_told() {
        assert!(Part { cursor: Some("?".to_owned()), limit: None }.checked().is_err());
        assert!(Part { cursor: Some(String::new()), limit: None }.checked().is_err());
        assert!(Part { cursor: None, limit: Some(0) }.checked().is_err());
        assert!(Part { cursor: None, limit: Some(201) }.checked().is_err());
    }
}
