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
    #[must_use]
    pub const fn units(self) -> u128 {
        self.0
    }

    /// An amount of so many smallest units, 10^-9 each.
    #[must_use]
    pub const fn from_units(units: u128) -> Amount {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Result<&str, &AmountError>) {
        assert_eq!(text.parse::<Amount>().map(|amount| amount.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn reads_a_json_number_by_its_digits() {
        for (text, shown) in [
            ("1", "1"),
            ("0", "0"),
            ("-0", "0"),
            ("-0.000e9", "0"),
            ("0e99999999999999999999", "0"),
            ("0.1", "0.1"),
            ("1.50", "1.5"),
            ("2e3", "2000"),
            ("1E-2", "0.01"),
            ("1e+2", "100"),
            ("0.000000001", "0.000000001"),
            ("1.0000000000000000000000000", "1"),
            ("12345e-9", "0.000012345"),
            ("10000000000e-19", "0.000000001"),
            ("0.00000000000000000001e20", "1"),
            ("1000000000000000000", "1000000000000000000"),
            ("1e18", "1000000000000000000"),
            ("999999999999999999.999999999", "999999999999999999.999999999"),
        ] {
            check(text, Ok(shown));
        }
        check(&format!("1{}e-5000", "0".repeat(5000)), Ok("1"));
    }

    #[test]
    fn refuses_what_it_cannot_hold() {
        for text in ["-1", "-0.5", "-1e-30", "-1e30"] {
            check(text, Err(&AmountError::Negative));
        }
        for text in ["0.0000000001", "1.0000000001", "1e-10", "1e-99999999999999999999"] {
            check(text, Err(&AmountError::TooFine));
        }
        for text in ["1000000000000000000.1", "1000000000000000001", "18446744073709551616", "1e19", "1e400"]
        {
            check(text, Err(&AmountError::TooLarge));
        }
        check("1e99999999999999999999", Err(&AmountError::TooLarge));
        for text in [
            "", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0x1", "NaN", "Infinity", "1 ", " 1", "1_000",
            "--1", "1e1.5", "1,5", "\u{661}", "1e5e5", "1.2.3",
        ] {
            check(text, Err(&AmountError::NotANumber));
        }
    }

    #[test]
    fn sums_stay_within_the_numbers() {
        assert_eq!(Amount::whole(1).minus(Amount::whole(2)), Amount::ZERO);
        let most = Amount::from_units(u128::MAX);
        assert_eq!(most.plus(Amount::ONE), most);
    }

    proptest! {
        /// One value in many spellings: as its digits with the point or the exponent anywhere.
        #[test]
        fn every_spelling_of_a_value_is_that_value(
            units in prop_oneof![1..1_000_u64, 1..u64::MAX], zeros in 0..5_usize, shift in -30..30_i32,
        ) {
            let amount = Amount::from_units(units.into());
            let digits = format!("{units}{}", "0".repeat(zeros));
            let exponent = -9 - i32::try_from(zeros).unwrap();
            prop_assert_eq!(format!("{digits}e{exponent}").parse(), Ok(amount));
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
            let point = format!("0.{digits:0>40}E{}", 40 + exponent);
            prop_assert_eq!(point.parse(), Ok(amount));
            let shifted = format!("{digits}{}e{}", "0".repeat(shift.unsigned_abs() as usize), exponent - shift.abs());
            prop_assert_eq!(shifted.parse(), Ok(amount));
        }

        #[test]
        fn any_text_gets_an_answer(text in "-?[0-9.eE+-]{0,12}|.*") {
            if let Ok(amount) = text.parse::<Amount>() {
                prop_assert!(amount <= Amount::MAX);
                prop_assert_eq!(amount.to_string().parse(), Ok(amount));
                // Numbers as a float reads them are near: a check that no digit is lost.
                let float: f64 = text.parse().unwrap();
                let shown: f64 = amount.to_string().parse().unwrap();
                prop_assert!((float - shown).abs() <= float.abs() * 1e-12);
            }
        }
    }
}
