//! Which addresses belong to the open internet.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address belongs to the open internet: unicast, given out as global, and in no range that IANA's
/// registries of special-purpose addresses ([RFC 6890], [RFC 8190]) do not call globally reachable.
///
/// | not public | what it is for |
/// |---|---|
/// | `0.0.0.0/8` | this network ([RFC 791]) |
/// | `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16` | private use ([RFC 1918]) |
/// | `100.64.0.0/10` | shared by customers of a carrier ([RFC 6598]) |
/// | `127.0.0.0/8` | loopback ([RFC 1122]) |
/// | `169.254.0.0/16` | link-local, where clouds keep their metadata ([RFC 3927]) |
/// | `192.0.0.0/24` | protocol assignments ([RFC 6890]) |
/// | `192.0.2.0/24`, `198.51.100.0/24`, `203.0.113.0/24` | documentation ([RFC 5737]) |
/// | `192.88.99.0/24` | relays of 6to4, withdrawn ([RFC 7526]) |
/// | `198.18.0.0/15` | benchmarks ([RFC 2544]) |
/// | `224.0.0.0/4` | multicast ([RFC 5771]) |
/// | `240.0.0.0/4` | reserved, with the broadcast address ([RFC 1112], [RFC 919]) |
/// | all outside `2000::/3` | not given out as global unicast ([RFC 4291], [IANA's IPv6 address space]): `::`, `::1`, IPv4 in IPv6 (mapped, compatible, `64:ff9b::/96` of [RFC 6052], `64:ff9b:1::/48` of [RFC 8215]), discard-only `100::/64` ([RFC 6666]), segment routing `5f00::/16` ([RFC 9602]), unique local `fc00::/7` ([RFC 4193]), link-local `fe80::/10`, site-local `fec0::/10` ([RFC 3879]), multicast `ff00::/8` |
/// | `2001::/23` | protocol assignments, among them Teredo ([RFC 2928], [RFC 4380]) |
/// | `2001:db8::/32`, `3fff::/20` | documentation ([RFC 3849], [RFC 9637]) |
/// | `2002::/16` | 6to4: holds an IPv4 address ([RFC 3056]) |
///
/// The few globally reachable addresses inside `192.0.0.0/24`, `2001::/23` and `64:ff9b::/96` are anycast services,
/// identifiers, or stand for IPv4 addresses: nobody's own host is among them, and none is public here.
///
/// [RFC 791]: https://www.rfc-editor.org/rfc/rfc791
/// [RFC 919]: https://www.rfc-editor.org/rfc/rfc919
/// [RFC 1112]: https://www.rfc-editor.org/rfc/rfc1112
/// [RFC 1122]: https://www.rfc-editor.org/rfc/rfc1122
/// [RFC 1918]: https://www.rfc-editor.org/rfc/rfc1918
/// [RFC 2544]: https://www.rfc-editor.org/rfc/rfc2544
/// [RFC 2928]: https://www.rfc-editor.org/rfc/rfc2928
/// [RFC 3056]: https://www.rfc-editor.org/rfc/rfc3056
/// [RFC 3849]: https://www.rfc-editor.org/rfc/rfc3849
/// [RFC 3879]: https://www.rfc-editor.org/rfc/rfc3879
/// [RFC 3927]: https://www.rfc-editor.org/rfc/rfc3927
/// [RFC 4193]: https://www.rfc-editor.org/rfc/rfc4193
/// [RFC 4291]: https://www.rfc-editor.org/rfc/rfc4291
/// [RFC 4380]: https://www.rfc-editor.org/rfc/rfc4380
/// [RFC 5737]: https://www.rfc-editor.org/rfc/rfc5737
/// [RFC 5771]: https://www.rfc-editor.org/rfc/rfc5771
/// [RFC 6052]: https://www.rfc-editor.org/rfc/rfc6052
/// [RFC 6598]: https://www.rfc-editor.org/rfc/rfc6598
/// [RFC 6666]: https://www.rfc-editor.org/rfc/rfc6666
/// [RFC 6890]: https://www.rfc-editor.org/rfc/rfc6890
/// [RFC 7526]: https://www.rfc-editor.org/rfc/rfc7526
/// [RFC 8190]: https://www.rfc-editor.org/rfc/rfc8190
/// [RFC 8215]: https://www.rfc-editor.org/rfc/rfc8215
/// [RFC 9602]: https://www.rfc-editor.org/rfc/rfc9602
/// [RFC 9637]: https://www.rfc-editor.org/rfc/rfc9637
/// [IANA's IPv6 address space]: https://www.iana.org/assignments/ipv6-address-space
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        [0 | 10 | 127 | 224.., ..] | [169, 254, ..] | [192, 168, ..] | [198, 18 | 19, ..] => true,
        [100, second, ..] => second & 0xc0 == 64,
        [172, second, ..] => second & 0xf0 == 16,
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x2001, 0..0x0200, ..] | [0x2001, 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..0x1000, ..] => false,
        [0x2000..0x4000, ..] => true,
        _ => false,
    }
}
