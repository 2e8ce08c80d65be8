//! An exact, non-negative quantity with up to nine decimal places: what a limit counts.

use std::fmt;
use std::str::FromStr;

/// Decimal places that an amount can hold.
const PLACES: i64 = 9;
/// How many of the smallest unit make 1.
const UNITS_PER_ONE: u128 = 1_000_000_000;

/// An exact, non-negative decimal number with up to nine places.
///
/// One written in a policy or a call is at most [`Amount::MAX`]; sums of amounts may be larger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u128);

/// Why the spelling of a number is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// It is not a number as JSON writes one.
    #[error("an amount must be a number, as JSON writes one")]
    NotANumber,
    /// It is below zero.
    #[error("an amount must not be negative")]
    Negative,
    /// It has a digit other than zero beyond the ninth decimal place.
    #[error("an amount has at most 9 decimal places")]
    TooFine,
    /// It is larger than [`Amount::MAX`].
    #[error("an amount is at most {}", Amount::MAX)]
    TooLarge,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Amount = Amount(0);
    /// What one call counts unless its limit says otherwise.
    pub const ONE: Amount = Amount(UNITS_PER_ONE);
    /// The largest amount that can be written: 10^18.
    ///
    /// So small that 10^11 of them can be added up before the sum saturates.
    pub const MAX: Amount = Amount(UNITS_PER_ONE * 1_000_000_000_000_000_000);

    /// A whole number.
    #[must_use]
    pub fn whole(number: u32) -> Amount {
        Amount(u128::from(number) * UNITS_PER_ONE)
    }

    /// The sum; at the end of the number range it stays there.
    #[must_use]
    pub fn plus(self, other: Amount) -> Amount {
        Amount(self.0.saturating_add(other.0))
    }

    /// What is left of `self` after `other` is taken away; never below zero.
    #[must_use]
    pub fn minus(self, other: Amount) -> Amount {
        Amount(self.0.saturating_sub(other.0))
    }

    /// Whether this is nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The number of smallest units, 10^-9 each.
    pub(crate) const fn units(self) -> u128 {
        self.0
    }

    /// An amount of so many smallest units, 10^-9 each.
    pub(crate) const fn from_units(units: u128) -> Amount {
        Amount(units)
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    /// Reads a number as JSON spells it, by its digits: `1`, `1.50`, `2e3`, `1E-2`. `-0` is zero.
    fn from_str(text: &str) -> Result<Amount, AmountError> {
        let decimal = Decimal::read(text).ok_or(AmountError::NotANumber)?;
        let Some((highest, lowest)) = decimal.nonzero_places() else { return Ok(Amount::ZERO) };
        if decimal.negative {
            return Err(AmountError::Negative);
        }
        // Compared as places, so that neither a long number nor a large exponent is ever multiplied out.
        if highest > 18 {
            return Err(AmountError::TooLarge);
        }
        if lowest < -PLACES {
            return Err(AmountError::TooFine);
        }
        let units = decimal.units();
        if units > Amount::MAX.0 { Err(AmountError::TooLarge) } else { Ok(Amount(units)) }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / UNITS_PER_ONE, self.0 % UNITS_PER_ONE);
        if fraction == 0 {
            return write!(out, "{whole}");
        }
        let places = format!("{fraction:09}");
        write!(out, "{whole}.{}", places.trim_end_matches('0'))
    }
}

/// The parts of a JSON number.
struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl<'a> Decimal<'a> {
    fn read(text: &'a str) -> Option<Decimal<'a>> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        (is_digits(whole) && !leading_zero).then_some(Decimal { negative, whole, fraction, exponent })
    }

    /// Each digit with its place: 0 for ones, 1 for tens, -1 for tenths.
    fn digits(&self) -> impl DoubleEndedIterator<Item = (i64, u8)> {
        let highest = length(self.whole).saturating_sub(1).saturating_add(self.exponent);
        let whole = self.whole.bytes().enumerate();
        let fraction = self.fraction.bytes().enumerate().map(|(i, digit)| (i + self.whole.len(), digit));
        // `chain` of exact-size parts can be walked from both ends.
        whole.chain(fraction).map(move |(i, digit)| {
            let index = i64::try_from(i).unwrap_or(i64::MAX);
            (highest.saturating_sub(index), digit - b'0')
        })
    }

    /// The places of the first and the last digit that is not zero; `None` for zero.
    fn nonzero_places(&self) -> Option<(i64, i64)> {
        let highest = self.digits().find(|(_, digit)| *digit != 0)?.0;
        let lowest = self.digits().rfind(|(_, digit)| *digit != 0)?.0;
        Some((highest, lowest))
    }

    /// The value in smallest units, given that its non-zero digits lie between the places 18 and -9.
    fn units(&self) -> u128 {
        let nonzero = self.digits().filter(|(_, digit)| *digit != 0);
        let units = nonzero.map(|(place, digit)| {
            let zeros = u32::try_from(place + PLACES).unwrap_or(0);
            10_u128.saturating_pow(zeros).saturating_mul(u128::from(digit))
        });
        units.fold(0, u128::saturating_add)
    }
}

fn read_exponent(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) if text.starts_with('-') => (-1, digits),
        Some(digits) => (1, digits),
        None => (1, text),
    };
    // An exponent too long for the number type is as good as this one: no other part can outweigh it.
    is_digits(digits).then(|| sign * digits.parse::<i64>().unwrap_or(i64::MAX / 4))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}
