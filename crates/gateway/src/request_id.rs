//! The id that each request gets: unique over restarts and nodes, short enough to be read out.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::token::hex;

/// Makes request ids: a random part of the process and a count.
#[derive(Debug)]
pub(crate) struct RequestIds {
    process: String,
    next: AtomicU64,
}

impl RequestIds {
    /// Ids of a new process.
    ///
    /// # Errors
    ///
    /// The system's source of randomness failed.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut random = [0; 6];
        getrandom::fill(&mut random)?;
        Ok(Self { process: hex(&random), next: AtomicU64::new(1) })
    }

    /// The next id.
    #[must_use]
    pub(crate) fn next(&self) -> String {
        let mut id = String::with_capacity(self.process.len() + 17);
        id.push_str(&self.process);
        id.push('-');
        push_hex(&mut id, self.next.fetch_add(1, Ordering::Relaxed));
        id
    }
}

/// Appends a number in lower-case hexadecimal without leading zeros.
fn push_hex(text: &mut String, number: u64) {
    let digits = (64 - number.leading_zeros()).div_ceil(4).max(1);
    for place in (0..digits).rev() {
        let digit = (number >> (4 * place)) & 0xf;
        text.extend(u32::try_from(digit).ok().and_then(|d| char::from_digit(d, 16)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spelled_as_the_standard_library_does() {
        for number in [0, 1, 9, 10, 15, 16, 255, 256, 0xdead_beef, u64::MAX] {
            let mut text = String::new();
            push_hex(&mut text, number);
            assert_eq!(text, format!("{number:x}"));
        }
    }

    #[test]
    fn ids_count_up_under_one_random_part() {
        let ids = RequestIds::new().unwrap();
        let (first, second) = (ids.next(), ids.next());
        assert_eq!(first.split_once('-').unwrap().1, "1");
        assert_eq!(second.split_once('-').unwrap().1, "2");
        assert_eq!(first.split_once('-').unwrap().0, second.split_once('-').unwrap().0);
        assert_ne!(RequestIds::new().unwrap().next(), first);
    }
}
