//! Numbers compared by their digits, never through floats.

use std::cmp::Ordering;

/// An exact view of a JSON number's spelling: sign, significant digits, and the power of ten of the
/// first of them. Any length of digits; the exponent must fit 32 bits.
#[derive(Clone, Copy, Debug)]
pub struct Decimal<'a> {
    negative: bool,
    /// From the first digit that is not zero on; may hold a point. Empty for zero.
    digits: &'a str,
    /// The power of ten of the first significant digit.
    magnitude: i64,
}

impl<'a> Decimal<'a> {
    /// Reads a number of the JSON grammar; none for anything else, or an exponent beyond 32 bits.
    #[must_use]
    pub fn parse(spelling: &'a str) -> Option<Self> {
        let (negative, unsigned) = match spelling.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, spelling),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (unsigned, 0),
        };
        let whole = mantissa.split('.').next().unwrap_or_default().len();
        if whole == 0 || !mantissa.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return None;
        }
        let Some(first) = mantissa.find(|c: char| c != '0' && c != '.') else {
            return Some(Self { negative: false, digits: "", magnitude: 0 });
        };
        let (whole, place) = (i64::try_from(whole).ok()?, i64::try_from(first).ok()?);
        let magnitude = if place < whole { whole - place - 1 } else { whole - place };
        Some(Self { negative, digits: mantissa.get(first..)?, magnitude: magnitude + i64::from(exponent) })
    }

    /// Whether the value has no fractional part (`1.0` and `1e3` have none).
    #[must_use]
    pub fn is_integer(&self) -> bool {
        let last = self.significant().enumerate().filter(|(_, digit)| *digit != b'0').last();
        last.is_none_or(|(place, _)| i64::try_from(place).is_ok_and(|p| self.magnitude - p >= 0))
    }

    /// Whether the value is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// The value times `10^places` as an integer; none if a digit would be lost or it does not fit.
    #[must_use]
    pub fn scaled(&self, places: u32) -> Option<i128> {
        let mut scaled: i128 = 0;
        let mut power = self.magnitude + i64::from(places);
        for digit in self.significant() {
            if power < 0 {
                if digit != b'0' {
                    return None;
                }
            } else {
                scaled = scaled.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
            }
            power -= 1;
        }
        if !self.digits.is_empty() && power >= 0 {
            let shift = u32::try_from(power + 1).ok()?;
            scaled = scaled.checked_mul(10i128.checked_pow(shift)?)?;
        }
        Some(if self.negative { -scaled } else { scaled })
    }

    fn significant(&self) -> impl Iterator<Item = u8> + '_ {
        self.digits.bytes().filter(|b| *b != b'.')
    }

    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => -1,
        }
    }

    fn compare_size(&self, other: &Self) -> Ordering {
        let digits = |a: &Self, b: &Self| {
            let (mut left, mut right) = (a.significant(), b.significant());
            loop {
                match (left.next(), right.next()) {
                    (None, None) => return Ordering::Equal,
                    (l, r) => match l.unwrap_or(b'0').cmp(&r.unwrap_or(b'0')) {
                        Ordering::Equal => {}
                        unequal => return unequal,
                    },
                }
            }
        };
        self.magnitude.cmp(&other.magnitude).then_with(|| digits(self, other))
    }
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal<'_> {}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match self.sign().cmp(&other.sign()) {
            Ordering::Equal if self.sign() == 0 => Ordering::Equal,
            Ordering::Equal if self.negative => other.compare_size(self),
            Ordering::Equal => self.compare_size(other),
            unequal => unequal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal<'_> {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn compares_by_value() {
        let ordered = [
            "-1e30",
            "-12",
            "-11.99",
            "-0.5",
            "0",
            "1e-400",
            "0.1",
            "0.10001",
            "1",
            "9007199254740992",
            "9007199254740993",
            "1e17",
            "123456789012345678901234567890",
        ];
        for (i, a) in ordered.iter().enumerate() {
            for (j, b) in ordered.iter().enumerate() {
                assert_eq!(decimal(a).cmp(&decimal(b)), i.cmp(&j), "{a} against {b}");
            }
        }
        for (a, b) in [("1", "1.0"), ("100", "1e2"), ("0", "-0.0"), ("0.01", "1E-2"), ("12.50", "1.25e1")] {
            assert_eq!(decimal(a), decimal(b));
        }
    }

    #[test]
    fn scales_exactly_or_not_at_all() {
        assert_eq!(decimal("1.5").scaled(9), Some(1_500_000_000));
        assert_eq!(decimal("-2e3").scaled(0), Some(-2000));
        assert_eq!(decimal("0.1234567891").scaled(9), None);
        assert_eq!(decimal("1e99").scaled(9), None);
        assert_eq!(decimal("0.000").scaled(2), Some(0));
        assert_eq!(decimal("100").scaled(2), Some(10_000));
    }

    #[test]
    fn knows_integers() {
        for text in ["0", "1.0", "1e3", "-7", "120e-1", "0.0"] {
            assert!(decimal(text).is_integer(), "{text}");
        }
        for text in ["0.5", "1e-1", "125e-2"] {
            assert!(!decimal(text).is_integer(), "{text}");
        }
    }

    #[test]
    fn refuses_other_spellings() {
        for text in ["", "-", "1e99999999999", "abc", ".5"] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }
}
