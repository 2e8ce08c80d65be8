//! What a picture costs, as far as the table knows: for estimates before a call and after it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::money::Usd;

/// The pixels of 1024x1024, to which prices by area refer.
const USUAL_PIXELS: u64 = 1024 * 1024;
/// A price per million tokens, for one token.
const MILLION: u64 = 1_000_000;

/// The price of a picture; all parts may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Price {
    /// For any picture.
    pub image: Option<Usd>,
    /// By quality or by word for a size.
    pub by: BTreeMap<String, Usd>,
    /// The key of `by` where the call names none.
    pub usual: Option<String>,
    /// Whether prices are for 1024x1024 and grow with the number of pixels.
    pub by_area: bool,
    /// For what the vendor counts after the call.
    pub tokens: Option<TokenPrices>,
}

/// Dollars for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenPrices {
    /// Of the prompt.
    pub text_in: Usd,
    /// Of pictures to start from.
    pub image_in: Usd,
    /// Of pictures made.
    pub image_out: Usd,
}

impl Price {
    /// What one picture will cost, by the call's quality or word for a size and its number of pixels.
    #[must_use]
    pub fn estimate(&self, key: Option<&str>, pixels: Option<u64>) -> Option<Usd> {
        let key = key.or(self.usual.as_deref());
        let listed = match key {
            Some(key) if !self.by.is_empty() => self.by.get(key).copied(),
            Some(_) | None => None,
        };
        let price = listed.or(self.image)?;
        let pixels = pixels.filter(|pixels| self.by_area && *pixels > USUAL_PIXELS);
        Some(pixels.map_or(price, |pixels| price.share(pixels, USUAL_PIXELS)))
    }

    /// What a picture costs of which the call says nothing.
    #[must_use]
    pub fn usual_estimate(&self) -> Option<Usd> {
        self.estimate(Some(self.usual.as_deref().unwrap_or("auto")), None)
    }

    /// The price as the list of models shows it, in dollars.
    #[must_use]
    pub fn shown(&self) -> Value {
        let by: serde_json::Map<String, Value> =
            self.by.iter().map(|(key, price)| (key.clone(), json!(price.dollars()))).collect();
        match (self.image, by.is_empty()) {
            (Some(image), true) => json!({ "image": image.dollars() }),
            (Some(image), false) => json!({ "image": image.dollars(), "by": by }),
            (None, false) => json!({ "by": by }),
            (None, true) => Value::Null,
        }
    }
}

impl TokenPrices {
    /// What so many tokens cost.
    #[must_use]
    pub fn cost(self, text_in: u64, image_in: u64, image_out: u64) -> Usd {
        let parts = [(self.text_in, text_in), (self.image_in, image_in), (self.image_out, image_out)];
        parts.into_iter().fold(Usd::default(), |sum, (price, count)| sum.plus(price.share(count, MILLION)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Usd {
        Usd::parse(text).unwrap()
    }

    #[test]
    fn estimates_follow_quality_and_area_and_never_guess() {
        let by = [("low", "0.01"), ("auto", "0.10")].map(|(key, price)| (key.to_owned(), usd(price)));
        let price = Price { by: by.into(), by_area: true, ..Price::default() };
        assert_eq!(price.estimate(Some("low"), Some(1024 * 1024)), Some(usd("0.01")));
        assert_eq!(price.estimate(Some("low"), Some(1024 * 1536)), Some(usd("0.015")));
        assert_eq!(price.estimate(Some("low"), Some(64)), Some(usd("0.01")), "small ones are no cheaper");
        assert_eq!(price.estimate(Some("max"), None), None);
        assert_eq!(price.estimate(None, None), None);
        assert_eq!(price.usual_estimate(), Some(usd("0.10")));
        let flat = Price { image: Some(usd("0.04")), ..Price::default() };
        assert_eq!(flat.estimate(Some("any"), None), Some(usd("0.04")));
    }

    #[test]
    fn tokens_are_counted_after_the_call() {
        let prices = TokenPrices { text_in: usd("5"), image_in: usd("8"), image_out: usd("30") };
        assert_eq!(prices.cost(100, 0, 4_160), usd("0.1253"));
    }
}
