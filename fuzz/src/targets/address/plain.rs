//! The second filter, with the ranges as numbers (the special-purpose registries of IANA), and the
//! ways in which IPv6 wraps an IPv4 address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// First and last address of each special range of IPv4.
const V4: [(u32, u32); 15] = [
    (0x0000_0000, 0x00ff_ffff),
    (0x0a00_0000, 0x0aff_ffff),
    (0x6440_0000, 0x647f_ffff),
    (0x7f00_0000, 0x7fff_ffff),
    (0xa9fe_0000, 0xa9fe_ffff),
    (0xac10_0000, 0xac1f_ffff),
    (0xc000_0000, 0xc000_00ff),
    (0xc000_0200, 0xc000_02ff),
    (0xc058_6300, 0xc058_63ff),
    (0xc0a8_0000, 0xc0a8_ffff),
    (0xc612_0000, 0xc613_ffff),
    (0xc633_6400, 0xc633_64ff),
    (0xcb00_7100, 0xcb00_71ff),
    (0xe000_0000, 0xefff_ffff),
    (0xf000_0000, 0xffff_ffff),
];

/// Where clouds answer with the machine's own credentials.
const METADATA_V4: [[u8; 4]; 6] = [
    [169, 254, 169, 254],
    [169, 254, 170, 2],
    [169, 254, 170, 23],
    [100, 100, 100, 200],
    [168, 63, 129, 16],
    [192, 0, 0, 192],
];
const METADATA_V6: [&str; 5] =
    ["fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42", "fe80::a9fe:a9fe"];

/// What an address means to the network: itself, or what it wraps.
fn meanings(address: IpAddr) -> Vec<IpAddr> {
    let IpAddr::V6(v6) = address else { return vec![address] };
    let bytes = v6.octets();
    let v4 = |at: usize| {
        IpAddr::V4(Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]))
    };
    let begins = |prefix: &[u8]| bytes.starts_with(prefix);
    let (low, zero) = (v6.to_bits() as u32, |count: usize| bytes[..count].iter().all(|b| *b == 0));
    if (zero(10) && bytes[10..12] == [0xff, 0xff])
        || (zero(12) && low > 1)
        || (zero(8) && bytes[8..12] == [0xff, 0xff, 0, 0])
        || (begins(&[0, 0x64, 0xff, 0x9b]) && bytes[4..12].iter().all(|b| *b == 0))
    {
        return vec![v4(12)];
    }
    if begins(&[0, 0x64, 0xff, 0x9b, 0, 1]) {
        return vec![IpAddr::V6(Ipv6Addr::LOCALHOST), v4(12)];
    }
    if begins(&[0x20, 0x02]) {
        return vec![v4(2)];
    }
    if begins(&[0x20, 0x01, 0, 0]) {
        return vec![v4(4), IpAddr::V4(Ipv4Addr::from_bits(!low))];
    }
    if matches!(bytes[8..12], [0 | 2, 0, 0x5e, 0xfe]) {
        return vec![address, v4(12)];
    }
    vec![address]
}

/// Whether all that an address means is of the public internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    meanings(address).into_iter().all(one_is_public)
}

fn one_is_public(address: IpAddr) -> bool {
    if one_is_metadata(address) {
        return false;
    }
    match address {
        IpAddr::V4(v4) => {
            let bits = v4.to_bits();
            !V4.iter().any(|(first, last)| (*first..=*last).contains(&bits))
        }
        IpAddr::V6(v6) => {
            let [a, b, ..] = v6.segments();
            // Of what is handed out: neither the protocol assignments nor documentation.
            let assigned = (0x2000..=0x3fff).contains(&a);
            let protocol = a == 0x2001 && b < 0x200;
            let documentation = (a == 0x2001 && b == 0xdb8) || (a == 0x3fff && b < 0x1000);
            assigned && !protocol && !documentation
        }
    }
}

/// Whether an address leads to a cloud's metadata.
pub(super) fn is_metadata(address: IpAddr) -> bool {
    meanings(address).into_iter().any(one_is_metadata)
}

fn one_is_metadata(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => METADATA_V4.contains(&v4.octets()),
        IpAddr::V6(v6) => METADATA_V6.iter().any(|known| known.parse() == Ok(v6)),
    }
}

/// Whether the rules `10.0.0.0/8` and `fd00::/8` allow all that is special about an address.
pub(super) fn is_listed(address: IpAddr) -> bool {
    let listed = |address: &IpAddr| match address.to_canonical() {
        IpAddr::V4(v4) => v4.octets()[0] == 10,
        IpAddr::V6(v6) => v6.octets()[0] == 0xfd,
    };
    let special = |meaning: &IpAddr| !one_is_public(*meaning);
    listed(&address) || meanings(address).iter().filter(|m| special(m)).all(listed)
}

/// What kind of address it is, to be noted.
pub(super) fn kind(address: IpAddr) -> (usize, u8) {
    let first = match address {
        IpAddr::V4(v4) => v4.octets()[0],
        IpAddr::V6(v6) => v6.octets()[0],
    };
    (meanings(address).len() + usize::from(address.is_ipv6()) * 4, first)
}
