//! The egress policy: which addresses a connection may be made to. Pure: the transport asks with an
//! address, after every spelling of it (decimal, hexadecimal, a name, …) has become one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::url::Origin;
use crate::config::{Egress, EgressRule, IpRange};

/// The addresses that connections may be made to.
#[derive(Debug)]
pub struct EgressPolicy {
    rules: Vec<EgressRule>,
    special: Vec<(IpRange, &'static str)>,
}

/// Where a URL is from, which decides whether it may lead to a private address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trust {
    /// The operator wrote its scheme, host and port into the configuration or a flow.
    Configured,
    /// A flow computed it, or a server redirected to it: it may lead anywhere.
    Computed,
}

/// An address that the policy refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot be called: `{host}` leads to the {kind} address {address}, which is refused; \
     add `{address}` to `allow` under `[egress]` if that is meant"
)]
pub struct RefusedAddress {
    /// The host of the URL.
    pub host: String,
    /// The address that it leads to.
    pub address: IpAddr,
    /// The kind of special address.
    pub kind: &'static str,
}

/// Where clouds answer with the machine's own credentials. Never allowed by a host's name, only by
/// a range under `[egress] allow`.
const METADATA: [&str; 11] = [
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "fd00:42::42",
    "fe80::a9fe:a9fe",
];

/// Everything that is not the public internet (the special-purpose registries of IANA).
const SPECIAL: [(&str, &str); 33] = [
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier-private"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "reserved"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("100::/64", "reserved"),
    ("2001::/23", "reserved"),
    ("2001:db8::/32", "documentation"),
    ("3fff::/20", "documentation"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
    // Only 2000::/3 is handed out; the rest is not routed today, and must not become a hole later.
    ("::/3", "reserved"),
    ("4000::/2", "reserved"),
    ("8000::/2", "reserved"),
    ("c000::/3", "reserved"),
    ("e000::/4", "reserved"),
    ("f000::/5", "reserved"),
    ("f800::/6", "reserved"),
    ("fe00::/9", "reserved"),
];

impl EgressPolicy {
    /// The policy of the configuration: the public internet, and the ranges and hosts under
    /// `allow`.
    pub fn new(egress: &Egress) -> EgressPolicy {
        let range = |text: &str| text.parse().expect("the table above is checked by a test");
        // The first range that holds an address names its kind, so the stricter kind comes first.
        let metadata = METADATA.iter().map(|text| (range(text), "metadata"));
        let special = SPECIAL.iter().map(|(text, kind)| (range(text), *kind));
        EgressPolicy { rules: egress.allow.clone(), special: metadata.chain(special).collect() }
    }

    /// A policy that refuses nothing, for a tool whose user names the URL.
    pub(crate) fn open() -> EgressPolicy {
        EgressPolicy { rules: Vec::new(), special: Vec::new() }
    }

    /// Checks an address before a connection is made to it on behalf of `origin`.
    ///
    /// # Errors
    /// The address, if it is special and no rule allows it.
    pub fn check(
        &self,
        origin: &Origin,
        address: IpAddr,
        trust: Trust,
    ) -> Result<(), RefusedAddress> {
        for effective in effective_addresses(address) {
            let Some(kind) = self.special_kind(effective) else { continue };
            // A name is not enough for machine credentials: its owner may point it there.
            let by_name =
                kind != "metadata" && (trust == Trust::Configured || self.is_host_allowed(origin));
            if !by_name && !self.is_address_allowed(address) && !self.is_address_allowed(effective)
            {
                return Err(RefusedAddress { host: origin.host.clone(), address, kind });
            }
        }
        Ok(())
    }

    /// The kind of special address; `None` for one of the public internet.
    fn special_kind(&self, address: IpAddr) -> Option<&'static str> {
        let mut kinds = self.special.iter().filter(|(range, _)| range.contains(address));
        kinds.next().map(|(_, kind)| *kind)
    }

    /// Whether a range under `[egress] allow` holds the address.
    fn is_address_allowed(&self, address: IpAddr) -> bool {
        self.rules.iter().any(|rule| match rule {
            EgressRule::Range(range) => range.contains(address),
            EgressRule::Host(..) => false,
        })
    }

    /// Whether a host under `[egress] allow` is this one.
    fn is_host_allowed(&self, origin: &Origin) -> bool {
        self.rules.iter().any(|rule| match rule {
            EgressRule::Range(_) => false,
            EgressRule::Host(host, port) => {
                let bare = host.trim_matches(['[', ']']).trim_end_matches('.');
                bare.eq_ignore_ascii_case(&origin.host) && port.is_none_or(|p| p == origin.port)
            }
        })
    }
}

/// The addresses that a packet may end up at: the address itself, or, where IPv6 wraps an IPv4
/// address that a translator or a tunnel unwraps, that one (and the wrapper, unless it is
/// transparent).
fn effective_addresses(address: IpAddr) -> Vec<IpAddr> {
    let IpAddr::V6(v6) = address.to_canonical() else { return vec![address.to_canonical()] };
    let [a, b, c, d, e, f, g, h] = v6.segments();
    let v4 = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from_bits(bits(high, low)));
    match [a, b, c, d, e, f] {
        // IPv4-compatible (RFC 4291), `::` and `::1` aside.
        [0, 0, 0, 0, 0, 0] if bits(g, h) > 1 => vec![v4(g, h)],
        // NAT64 (RFC 6052) and its local prefix (RFC 8215).
        [0x64, 0xff9b, 0, 0, 0, 0] => vec![v4(g, h)],
        [0x64, 0xff9b, 1, ..] => vec![IpAddr::V6(Ipv6Addr::LOCALHOST), v4(g, h)],
        // IPv4-translated (RFC 2765).
        [0, 0, 0, 0, 0xffff, 0] => vec![v4(g, h)],
        // 6to4 (RFC 3056).
        [0x2002, ..] => vec![v4(b, c)],
        // Teredo (RFC 4380): the client's address is there inverted.
        [0x2001, 0, ..] => vec![v4(c, d), v4(!g, !h)],
        // ISATAP (RFC 5214), under any prefix.
        [_, _, _, _, 0 | 0x200, 0x5efe] => vec![IpAddr::V6(v6), v4(g, h)],
        _ => vec![IpAddr::V6(v6)],
    }
}

/// Two groups of an IPv6 address as the bits of an IPv4 address.
fn bits(high: u16, low: u16) -> u32 {
    u32::from(high) << 16 | u32::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin { host: "app.internal".to_owned(), port: 8443, tls: true }
    }

    fn policy(allow: &[EgressRule]) -> EgressPolicy {
        EgressPolicy::new(&Egress { allow: allow.to_vec(), ca_file: None })
    }

    fn passes(policy: &EgressPolicy, address: &str, is_configured: bool) -> bool {
        let trust = if is_configured { Trust::Configured } else { Trust::Computed };
        policy.check(&origin(), address.parse().unwrap(), trust).is_ok()
    }

    const PUBLIC: [&str; 8] = [
        "8.8.8.8",
        "172.32.0.1",
        "100.128.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
        "2606:4700::1111",
        "2a00:1450::8",
    ];

    const PRIVATE: [&str; 37] = [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "::ffff:0:7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::808:808",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
        "2001:0:7f00:1::1",
        "2001:0:808:808::80ff:fffe",
        "2001:db8::1",
        "2606:4700::5efe:7f00:1",
        "fe80::1",
        "fec0::1",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "4000::1",
        "dead::1",
        "f123::1",
        "fba5:a::",
        "fe7f::1",
    ];

    const CLOUD: [&str; 12] = [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "::a9fe:a9fe",
        "::ffff:0:a9fe:a9fe",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "2001:0:a9fe:a9fe::1",
        "2001:0:808:808::5601:5601",
        "2002:a9fe:a9fe::",
        "fd00:ec2::254",
        "168.63.129.16",
        "100.100.100.200",
    ];

    #[test]
    fn only_the_public_internet() {
        let policy = policy(&[]);
        assert!(PUBLIC.iter().all(|address| passes(&policy, address, false)));
        for address in PRIVATE.iter().chain(&CLOUD) {
            assert!(!passes(&policy, address, false), "{address}");
        }
    }

    #[test]
    fn unspecified_and_loopback_wrap_no_other_address() {
        for address in ["::", "::1"] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(effective_addresses(address), [address]);
        }
        assert_eq!(effective_addresses("::2".parse().unwrap()), [IpAddr::from([0, 0, 0, 2])]);
    }

    #[test]
    fn the_configured_host_may_be_private_but_not_metadata() {
        let policy = policy(&[]);
        assert!(PUBLIC.iter().chain(&PRIVATE).all(|address| passes(&policy, address, true)));
        assert!(CLOUD.iter().all(|address| !passes(&policy, address, true)));
    }

    #[test]
    fn the_configuration_allows_ranges() {
        let range = |text: &str| EgressRule::Range(text.parse().unwrap());
        let policy = policy(&[range("10.0.0.0/8"), range("169.254.169.254")]);
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "169.254.169.254"] {
            assert!(passes(&policy, address, false), "{address}");
        }
        assert!(!passes(&policy, "127.0.0.1", false) && !passes(&policy, "169.254.170.2", true));
    }

    #[test]
    fn the_configuration_allows_hosts() {
        let allowed = |host: &str, port| policy(&[EgressRule::Host(host.to_owned(), port)]);
        assert!(passes(&allowed("App.Internal", None), "10.1.2.3", false));
        assert!(passes(&allowed("app.internal.", Some(8443)), "127.0.0.1", false));
        assert!(!passes(&allowed("app.internal", Some(443)), "10.1.2.3", false));
        assert!(!passes(&allowed("internal", None), "10.1.2.3", false));
        assert!(!passes(&allowed("app.internal", None), "169.254.169.254", false));
    }
}
