//! The concurrent limit: at most so much at the same time. Pure: what is taken counts until it is given back.

use crate::amount::Amount;

/// What is held at present.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight {
    used: Amount,
}

impl InFlight {
    pub(crate) fn used(&self) -> Amount {
        self.used
    }

    pub(crate) fn take(&mut self, amount: Amount) {
        self.used = self.used.plus(amount);
    }

    pub(crate) fn give_back(&mut self, amount: Amount) {
        self.used = self.used.minus(amount);
    }
}
