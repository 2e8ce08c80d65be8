//! How often an address may come without a credential that opens anything: a bucket of tokens for each. Whoever
//! proved itself lately is let through to the store also when others at its address have emptied the bucket.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use toolgate_store::TokenHash;

/// Failures that may come at once.
pub(crate) const BURST: u32 = 30;
/// Seconds after which one more may come.
pub(crate) const REFILL_SECONDS: u64 = 2;
/// Addresses told apart; the rest are one.
const ADDRESSES: usize = 10_000;
/// Credentials remembered as good.
const PROVEN: usize = 1_000;
const REFILL_NANOS: u64 = REFILL_SECONDS * 1_000_000_000;

/// Failed attempts, by address.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    buckets: HashMap<IpAddr, Bucket>,
    proven: HashSet<TokenHash>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    used: u32,
    since: u64,
}

impl Bucket {
    /// The bucket as it is at a time; monotonic, nanoseconds.
    fn at(self, now: u64) -> Self {
        let back = now.saturating_sub(self.since) / REFILL_NANOS;
        let used = self.used.saturating_sub(u32::try_from(back).unwrap_or(u32::MAX));
        Self { used, since: self.since.saturating_add(back.saturating_mul(REFILL_NANOS)) }
    }
}

impl Attempts {
    /// Whether a credential may be looked up, or a request without one be answered otherwise than by a refusal
    /// to look.
    pub(crate) fn may_try(&self, from: Option<IpAddr>, hash: Option<TokenHash>, now: u64) -> bool {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(from);
        let used = inner.buckets.get(&key).map_or(0, |bucket| bucket.at(now).used);
        used < BURST || hash.is_some_and(|hash| inner.proven.contains(&hash))
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, from: Option<IpAddr>, hash: Option<TokenHash>, now: u64) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hash) = hash {
            inner.proven.remove(&hash);
        }
        if inner.buckets.len() >= ADDRESSES {
            inner.buckets.retain(|_, bucket| bucket.at(now).used > 0);
        }
        let full = inner.buckets.len() >= ADDRESSES;
        let wanted = key(from);
        let key = if full && !inner.buckets.contains_key(&wanted) { NOBODY } else { wanted };
        let bucket = inner.buckets.get(&key).map_or(Bucket { used: 0, since: now }, |bucket| bucket.at(now));
        let since = if bucket.used == 0 { now } else { bucket.since };
        let used = bucket.used.saturating_add(1).min(BURST);
        inner.buckets.insert(key, Bucket { used, since });
    }

    /// Remembers a credential that opened something.
    pub(crate) fn proved(&self, hash: TokenHash) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.proven.len() >= PROVEN && !inner.proven.contains(&hash) {
            inner.proven.clear();
        }
        inner.proven.insert(hash);
    }
}

const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// One client may have many addresses of IPv6: those of a network count as one.
fn key(from: Option<IpAddr>) -> IpAddr {
    match from.map(|address| address.to_canonical()) {
        None => NOBODY,
        Some(IpAddr::V4(address)) => IpAddr::V4(address),
        Some(IpAddr::V6(address)) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_bucket_empties_and_fills() {
        let attempts = Attempts::default();
        let from = address("192.0.2.1");
        for _ in 0..BURST {
            assert!(attempts.may_try(from, None, 0));
            attempts.failed(from, None, 0);
        }
        assert!(!attempts.may_try(from, None, SECOND));
        assert!(attempts.may_try(address("192.0.2.2"), None, SECOND));
        assert!(attempts.may_try(from, None, REFILL_SECONDS * SECOND));
        attempts.failed(from, None, REFILL_SECONDS * SECOND);
        assert!(!attempts.may_try(from, None, REFILL_SECONDS * SECOND + SECOND));
    }

    #[test]
    fn who_proved_itself_gets_through() {
        let attempts = Attempts::default();
        let good = TokenHash::new([1; 32]);
        attempts.proved(good);
        for _ in 0..=BURST {
            attempts.failed(address("::1"), Some(TokenHash::new([2; 32])), 0);
        }
        assert!(!attempts.may_try(address("::1"), None, 0));
        assert!(attempts.may_try(address("::1"), Some(good), 0));
        attempts.failed(address("::1"), Some(good), 0);
        assert!(!attempts.may_try(address("::1"), Some(good), 0));
    }

    #[test]
    fn addresses_of_a_network_count_as_one() {
        let attempts = Attempts::default();
        for host in 0..BURST {
            attempts.failed(address(&format!("2001:db8::{host:x}")), None, 0);
        }
        assert!(!attempts.may_try(address("2001:db8::ffff"), None, 0));
        assert!(attempts.may_try(address("2001:db8:0:1::1"), None, 0));
    }

    #[test]
    fn many_addresses_take_no_more_room() {
        let attempts = Attempts::default();
        for n in 0..20_000_u32 {
            attempts.failed(Some(IpAddr::V4(Ipv4Addr::from_bits(n + 1))), None, 0);
        }
        assert!(attempts.inner.lock().unwrap().buckets.len() <= ADDRESSES + 1);
    }
}
