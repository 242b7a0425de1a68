//! Ranges of IP addresses, for trusted proxies and for egress.

use std::net::IpAddr;

/// An address with a prefix length: `10.0.0.0/8`, or one address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpRange {
    /// The first address of the range.
    pub address: IpAddr,
    /// The number of leading bits that are compared.
    pub prefix: u8,
}

// === impl IpRange ===

impl IpRange {
    /// Whether an address is in the range. An IPv4 address that is mapped into IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        fn bits(address: IpAddr) -> (u128, u32) {
            // Otherwise `::ffff:10.0.0.1` would not be in `10.0.0.0/8`.
            match address.to_canonical() {
                IpAddr::V4(v4) => (u32::from(v4).into(), 32),
                IpAddr::V6(v6) => (v6.into(), 128),
            }
        }
        let ((network, width), (candidate, other)) = (bits(self.address), bits(address));
        // A shift by the whole width overflows: `checked_shr` makes `::/0` ignore every bit.
        let ignored = width.saturating_sub(self.prefix.into());
        width == other && (network ^ candidate).checked_shr(ignored).unwrap_or(0) == 0
    }
}

impl std::str::FromStr for IpRange {
    type Err = String;

    fn from_str(text: &str) -> Result<IpRange, String> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let expected =
            || format!("`{text}` is not an address range, expected one like `10.0.0.0/8` or `::1`");
        let address: IpAddr = address.parse().map_err(|_| expected())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().ok().filter(|bits| *bits <= width),
            None => Some(width),
        };
        Ok(IpRange { address, prefix: prefix.ok_or_else(expected)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let contains = |range: &str, address: &str| {
            range.parse::<IpRange>().unwrap().contains(address.parse().unwrap())
        };
        assert!(contains("10.0.0.0/8", "10.255.0.1") && !contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("0.0.0.0/0", "8.8.8.8") && !contains("0.0.0.0/0", "::1"));
        assert!(contains("::/0", "fe80::1") && contains("::1", "::1") && !contains("::1", "::2"));
        assert!(contains("127.0.0.1", "::ffff:127.0.0.1"));
        for wrong in ["", "10", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/8/8"] {
            assert!(wrong.parse::<IpRange>().is_err(), "{wrong}");
        }
    }
}
