//! Money: amounts in millionths of a dollar, and the bounds on what one process may spend.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::failure::Failure;

/// An amount in US dollars, exact to a millionth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(try_from = "f64")]
pub struct Usd(u64);

/// A number that is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an amount in dollars is a number from 0 to 1000000")]
pub struct NotAnAmount;

impl Usd {
    /// Millionths of a dollar.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Reads `0.25`.
    ///
    /// # Errors
    /// The text is no number from 0 to 1000000.
    pub fn parse(text: &str) -> Result<Self, NotAnAmount> {
        text.trim().trim_start_matches('$').parse::<f64>().map_err(|_| NotAnAmount)?.try_into()
    }

    /// The amount in dollars, for output.
    #[must_use]
    pub fn dollars(self) -> f64 {
        // Far below 2^53 millionths, so the division is the only rounding.
        let micros = u32::try_from(self.0 % 1_000_000).unwrap_or_default();
        let whole = u32::try_from(self.0 / 1_000_000).unwrap_or(u32::MAX);
        f64::from(whole) + f64::from(micros) / 1e6
    }

    /// So many times the amount.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// The amount times `count` / `of`, rounded up.
    #[must_use]
    pub fn share(self, count: u64, of: u64) -> Self {
        Self(self.0.saturating_mul(count).div_ceil(of.max(1)))
    }

    /// Both amounts together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl TryFrom<f64> for Usd {
    type Error = NotAnAmount;

    fn try_from(dollars: f64) -> Result<Self, NotAnAmount> {
        if !(0.0..=1e6).contains(&dollars) {
            return Err(NotAnAmount);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10^12")]
        Ok(Self((dollars * 1e6).round() as u64))
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:06}", self.0 % 1_000_000);
        let cut = digits.trim_end_matches('0');
        write!(out, "${}.{cut:0<2}", self.0 / 1_000_000)
    }
}

/// The most that may be spent. An absent bound is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// By one call.
    pub call: Option<Usd>,
    /// By all calls of this process.
    pub process: Option<Usd>,
}

/// What a process has spent, against its bounds.
#[derive(Debug, Default)]
pub struct Budget {
    bounds: Bounds,
    spent: Arc<Mutex<Usd>>,
}

/// An amount set aside for a call. Dropped without a word, it counts as spent.
#[derive(Debug)]
pub struct Reservation {
    amount: Usd,
    spent: Arc<Mutex<Usd>>,
}

impl Budget {
    /// Nothing spent yet.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, spent: Arc::default() }
    }

    /// Sets the estimated price of a call aside.
    ///
    /// # Errors
    /// It would pass a bound, or the price is not known while there is one.
    pub fn reserve(&self, estimate: Option<Usd>, model: &str) -> Result<Reservation, Failure> {
        let Bounds { call, process } = self.bounds;
        let Some(amount) = estimate else {
            return if call.or(process).is_none() {
                Ok(Reservation { amount: Usd::default(), spent: Arc::clone(&self.spent) })
            } else {
                Err(unknown_price(model))
            };
        };
        if let Some(most) = call.filter(|most| amount > *most) {
            return Err(Failure::new(
                format!("No picture was made: it would cost about {amount}, and a call may cost {most}."),
                "cost_cap_per_call (nothing was sent)",
                "ask for fewer or smaller pictures or a cheaper model, or raise IMAGEGEN_MAX_COST_PER_CALL.",
            ));
        }
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let after = spent.plus(amount);
        if let Some(most) = process.filter(|most| after > *most) {
            return Err(Failure::new(
                format!(
                    "No picture was made: it would cost about {amount}, and {spent} of the {most} that this \
                     server may spend are spent."
                ),
                "cost_cap (nothing was sent)",
                "tell the user; a restart of the server or a higher IMAGEGEN_MAX_COST allows more.",
            ));
        }
        *spent = after;
        Ok(Reservation { amount, spent: Arc::clone(&self.spent) })
    }

    /// What has been spent or set aside so far.
    #[must_use]
    pub fn spent(&self) -> Usd {
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// Replaces the estimate by what the call did cost.
    pub fn settle(self, cost: Usd) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        *spent = spent.minus(self.amount).plus(cost);
    }
}

fn unknown_price(model: &str) -> Failure {
    Failure::new(
        format!("No picture was made: the price of model `{model}` is not known, and there is a cost cap."),
        "price_unknown (nothing was sent)",
        "use a model whose price is listed, or give its price in the file that IMAGEGEN_MODELS names.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Usd {
        Usd::parse(text).unwrap()
    }

    #[test]
    fn amounts_are_read_and_written() {
        for (read, written) in [("0.04", "$0.04"), ("$1", "$1.00"), ("0.0082", "$0.0082"), ("0", "$0.00")] {
            assert_eq!(usd(read).to_string(), written);
        }
        for wrong in ["-1", "NaN", "inf", "much", "1e9", ""] {
            assert_eq!(Usd::parse(wrong), Err(NotAnAmount), "{wrong}");
        }
        assert!((usd("0.04").dollars() - 0.04).abs() < f64::EPSILON);
        assert_eq!(usd("0.04").times(3), usd("0.12"));
        assert_eq!(Usd::from_micros(10).share(1, 3), Usd::from_micros(4));
    }

    #[test]
    fn bounds_hold_and_what_was_not_spent_is_given_back() {
        let bounds = Bounds { call: Some(usd("0.10")), process: Some(usd("0.15")) };
        let budget = Budget::new(bounds);
        assert!(budget.reserve(Some(usd("0.11")), "m").is_err(), "beyond the call's bound");
        let first = budget.reserve(Some(usd("0.10")), "m").unwrap();
        assert!(budget.reserve(Some(usd("0.06")), "m").is_err(), "beyond the process's bound");
        first.settle(usd("0.04"));
        assert_eq!(budget.spent(), usd("0.04"));
        drop(budget.reserve(Some(usd("0.10")), "m").unwrap());
        assert_eq!(budget.spent(), usd("0.14"), "dropped counts as spent");
    }

    #[test]
    fn an_unknown_price_passes_only_without_bounds() {
        assert!(Budget::default().reserve(None, "m").is_ok());
        let bounds = Bounds { call: None, process: Some(usd("1")) };
        assert!(Budget::new(bounds).reserve(None, "m").is_err());
    }
}
