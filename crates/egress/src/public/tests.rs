//! The check against a plain list of the ranges.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// IANA's registries of special-purpose addresses, each range with whether it is globally reachable; "not applicable"
/// is no. <https://www.iana.org/assignments/iana-ipv4-special-registry>,
/// <https://www.iana.org/assignments/iana-ipv6-special-registry>.
const SPECIAL: &[(&str, u32, bool)] = &[
    ("0.0.0.0", 8, false),
    ("0.0.0.0", 32, false),
    ("10.0.0.0", 8, false),
    ("100.64.0.0", 10, false),
    ("127.0.0.0", 8, false),
    ("169.254.0.0", 16, false),
    ("172.16.0.0", 12, false),
    ("192.0.0.0", 24, false),
    ("192.0.0.0", 29, false),
    ("192.0.0.8", 32, false),
    ("192.0.0.9", 32, true),
    ("192.0.0.10", 32, true),
    ("192.0.0.170", 32, false),
    ("192.0.0.171", 32, false),
    ("192.0.2.0", 24, false),
    ("192.31.196.0", 24, true),
    ("192.52.193.0", 24, true),
    ("192.88.99.0", 24, false),
    ("192.168.0.0", 16, false),
    ("192.175.48.0", 24, true),
    ("198.18.0.0", 15, false),
    ("198.51.100.0", 24, false),
    ("203.0.113.0", 24, false),
    ("240.0.0.0", 4, false),
    ("255.255.255.255", 32, false),
    ("::1", 128, false),
    ("::", 128, false),
    ("::ffff:0:0", 96, false),
    ("64:ff9b::", 96, true),
    ("64:ff9b:1::", 48, false),
    ("100::", 64, false),
    ("100:0:0:1::", 64, false),
    ("2001::", 23, false),
    ("2001::", 32, false),
    ("2001:1::1", 128, true),
    ("2001:1::2", 128, true),
    ("2001:1::3", 128, true),
    ("2001:2::", 48, false),
    ("2001:3::", 32, true),
    ("2001:4:112::", 48, true),
    ("2001:10::", 28, false),
    ("2001:20::", 28, true),
    ("2001:30::", 28, true),
    ("2001:db8::", 32, false),
    ("2002::", 16, false),
    ("2620:4f:8000::", 48, true),
    ("3fff::", 20, false),
    ("5f00::", 16, false),
    ("fc00::", 7, false),
    ("fe80::", 10, false),
];

/// What is no global unicast address by the registries of the whole address spaces.
const MULTICAST_V4: Range = Range { first: 0xe000_0000, length: 4, width: 32 };
const GLOBAL_UNICAST_V6: Range = Range { first: 0x2000 << 112, length: 3, width: 128 };

/// The addresses that begin with the first `length` bits of `first`, of `width` bits.
#[derive(Clone, Copy, Debug)]
struct Range {
    first: u128,
    length: u32,
    width: u32,
}

impl Range {
    fn of(address: &str, length: u32) -> Self {
        let (first, width) = number(address.parse().unwrap());
        Self { first, length, width }
    }

    fn last(self) -> u128 {
        self.first + ((1_u128 << (self.width - self.length)) - 1)
    }

    fn holds(self, address: IpAddr) -> bool {
        let (number, width) = number(address);
        width == self.width && (self.first..=self.last()).contains(&number)
    }
}

fn number(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    }
}

/// The address of a number; `None` beyond the last one.
fn address(number: u128, width: u32) -> Option<IpAddr> {
    match width {
        32 => u32::try_from(number).ok().map(|number| Ipv4Addr::from(number).into()),
        _ => Some(Ipv6Addr::from(number).into()),
    }
}

fn ranges() -> Vec<Range> {
    SPECIAL.iter().map(|(first, length, _)| Range::of(first, *length)).collect()
}

/// The plain reference: an address is looked up in every range.
fn expected(address: IpAddr) -> bool {
    let unicast = match address {
        IpAddr::V4(_) => !MULTICAST_V4.holds(address),
        IpAddr::V6(_) => GLOBAL_UNICAST_V6.holds(address),
    };
    let refused = |(first, length, reachable): &(&str, u32, bool)| {
        !reachable && Range::of(first, *length).holds(address)
    };
    unicast && !SPECIAL.iter().any(refused)
}

#[test]
fn the_ends_of_all_ranges_and_their_neighbours() {
    let mut seen = [0, 0];
    for range in ranges().into_iter().chain([MULTICAST_V4, GLOBAL_UNICAST_V6]) {
        let (first, last) = (range.first, range.last());
        for near in [first.checked_sub(1), Some(first), Some(last), last.checked_add(1)] {
            let Some(address) = near.and_then(|near| address(near, range.width)) else { continue };
            assert_eq!(is_public(address), expected(address), "{address}");
            seen[usize::from(is_public(address))] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 30), "{seen:?}");
}

#[test]
fn only_the_open_internet_is_public() {
    for address in
        ["1.1.1.1", "100.63.0.1", "100.128.0.1", "151.101.1.1", "172.32.0.1", "192.0.1.1", "2606:4700::1111"]
    {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "203.0.113.9",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:1.1.1.1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "fc00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
    ] {
        assert!(!is_public(address.parse().unwrap()), "{address}");
    }
}

/// An address anywhere, or one of a listed range or of one around it, up to four times as large.
fn addresses() -> impl Strategy<Value = IpAddr> {
    let near = (select(ranges()), any::<u128>(), 0..3_u32).prop_map(|(range, noise, wider)| {
        let bits = range.width - range.length.saturating_sub(wider);
        let mask = 1_u128.checked_shl(bits).map_or(u128::MAX, |over| over - 1);
        address((range.first & !mask) | (noise & mask), range.width).unwrap()
    });
    prop_oneof![
        1 => any::<Ipv4Addr>().prop_map(IpAddr::V4),
        1 => any::<Ipv6Addr>().prop_map(IpAddr::V6),
        1 => any::<u128>().prop_map(|noise| Ipv6Addr::from((0x2000 << 112) | (noise >> 3)).into()),
        4 => near,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn all_addresses_are_as_the_list_says(address in addresses()) {
        prop_assert_eq!(is_public(address), expected(address));
    }
}
