//! Addresses that a function's URL may lead to: the filter against a second one.
//!
//! An input is lines: a URL, or an address. A host in any spelling that a resolver takes for an
//! address (decimal, octal, hexadecimal, short) is resolved, as the gateway does it. A finding is
//! an address of which the two filters do not say the same, by itself, for the configured host,
//! or under rules; or a host that one takes apart otherwise.

mod plain;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs as _};
use std::sync::OnceLock;

use actix_web::http::Uri;
use twimlgate::config::{Egress, EgressRule};
use twimlgate::function::{EgressPolicy, Origin, RequestUrl, Trust};

use super::random::Random;
use super::{Judged, Seen, Target, ensure, text};

pub(crate) static TARGET: Target = Target {
    name: "address",
    tokens: &[
        "http://",
        "https://",
        "/",
        ":80",
        ":443",
        "@",
        "[",
        "]",
        ".",
        ":",
        "::",
        "0x",
        "0X",
        "0",
        "\n",
        "127.0.0.1",
        "10.0.0.0",
        "169.254.169.254",
        "100.64.0.1",
        "172.16.0.1",
        "172.32.0.0",
        "192.168.0.1",
        "198.18.0.1",
        "198.20.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "8.8.8.8",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "0x7f.1",
        "4294967295",
        "::ffff:",
        "::ffff:0:",
        "64:ff9b::",
        "64:ff9b:1::",
        "2002:",
        "2001:0:",
        "2001:db8::",
        "3fff::",
        "fc00::",
        "fd00:ec2::254",
        "fe80::",
        "fec0::",
        "ff02::1",
        "::1",
        "2606:4700::",
        "0:5efe:",
        "200:5efe:",
        "7f00:1",
        "a9fe:a9fe",
        "5601:5601",
        "80ff:fffe",
        "100::",
        "4000::",
    ],
    seeds: super::no_seeds,
    grow,
    judge,
};

/// A random address, often near the edge of a range.
fn grow(random: &mut Random, input: &mut Vec<u8>) {
    let edges = [0x0a00_0000, 0x0aff_ffff, 0x6440_0000, 0x647f_ffff, 0x7f00_0000, 0xac10_0000];
    let v4 = if random.one_in(3) { random.next() as u32 } else { *random.pick(&edges) };
    let v4 = v4.wrapping_add(random.below(3) as u32).wrapping_sub(1);
    let (a, b) = (v4 >> 16, v4 & 0xffff);
    let other = random.below(0x10000);
    let line = match random.below(9) {
        0 => Ipv4Addr::from(v4).to_string(),
        1 => format!("http://{v4}/"),
        2 => format!("http://{v4:#x}:8080/"),
        3 => format!("http://0{v4:o}/"),
        4 => format!("http://[64:ff9b::{a:x}:{b:x}]/"),
        5 => format!("2002:{a:x}:{b:x}:{other:x}::1"),
        6 => format!("2001:0:{other:x}::{:x}:{:x}", !a & 0xffff, !b & 0xffff),
        7 => format!("http://u:p@[::ffff:{a:x}:{b:x}]/"),
        _ => Ipv6Addr::from_bits(u128::from(random.next()) << 64 | u128::from(v4)).to_string(),
    };
    input.extend_from_slice(line.as_bytes());
    input.push(b'\n');
}

fn judge(input: &[u8]) -> Judged {
    let mut seen = Seen::default();
    for line in text(input).lines().take(20) {
        let parsed = line.parse::<Uri>().ok();
        if let Some(url) = parsed.as_ref().and_then(RequestUrl::new) {
            let host = url.origin.host.as_str();
            ensure!(!host.is_empty() && !host.contains(['@', '/', '?', '#']), "a host: {line:?}");
            let authority = line.split_once("://").map_or("", |(_, rest)| rest);
            let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
            let shown = authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
            ensure!(shown.contains(host), "another host: {host} of {line:?}");
            if let Some(address) = resolve(host)? {
                check(&url.origin, address, &mut seen)?;
            }
        } else if let Ok(address) = line.parse() {
            let origin = Origin { host: "app.internal".to_owned(), port: 80, tls: false };
            check(&origin, address, &mut seen)?;
        }
    }
    Ok(seen)
}

/// The address that a host is in whatever spelling, as the system sees it.
fn resolve(host: &str) -> Result<Option<IpAddr>, String> {
    if let Ok(address) = host.parse() {
        return Ok(Some(address));
    }
    // Names must not be asked for, so only what is an address by the old rules gets this far.
    let Some(plain) = old_spelling(host) else { return Ok(None) };
    let found = (host, 0).to_socket_addrs().map_err(|error| format!("{host}: {error}"))?;
    let found: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    ensure!(found.contains(&IpAddr::V4(plain)), "resolved otherwise: {host} is {found:?}");
    Ok(Some(IpAddr::V4(plain)))
}

/// One to four numbers, decimal, octal or hexadecimal, of which the last fills what is left.
fn old_spelling(host: &str) -> Option<Ipv4Addr> {
    let number = |part: &str| match part.strip_prefix("0x").or(part.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16).ok().filter(|_| !hex.starts_with('+')),
        None if part.starts_with('+') => None,
        None if part.len() > 1 && part.starts_with('0') => u32::from_str_radix(part, 8).ok(),
        None => part.parse().ok(),
    };
    let parts: Vec<u32> = host.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = parts.split_last().filter(|(_, first)| first.len() < 4)?;
    let mut bits = 0;
    for part in first {
        bits = bits << 8 | u32::from(u8::try_from(*part).ok()?);
    }
    let left = 32 - 8 * first.len() as u32;
    let fits = left == 32 || u64::from(*last) < 1 << left;
    let bits = if left == 32 { 0 } else { bits << left };
    fits.then(|| Ipv4Addr::from_bits(bits | last))
}

/// Asks both filters, with and without rules.
fn check(origin: &Origin, address: IpAddr, seen: &mut Seen) -> Result<(), String> {
    static POLICIES: OnceLock<[EgressPolicy; 3]> = OnceLock::new();
    let policies = POLICIES.get_or_init(|| {
        let policy = |rules: &[&str]| {
            let rule = |rule: &&str| rule.parse::<EgressRule>().ok();
            EgressPolicy::new(&Egress {
                allow: rules.iter().filter_map(rule).collect(),
                ca_file: None,
            })
        };
        [policy(&[]), policy(&["10.0.0.0/8", "fd00::/8"]), policy(&["app.internal:80"])]
    });
    let (public, metadata) = (plain::is_public(address), plain::is_metadata(address));
    seen.note((public, metadata, plain::kind(address)));
    let passes = |policy: &EgressPolicy, trust| policy.check(origin, address, trust).is_ok();
    ensure!(
        passes(&policies[0], Trust::Computed) == public,
        "let through: {address}, public is {public}"
    );
    let known = public || !metadata;
    ensure!(passes(&policies[0], Trust::Configured) == known, "the configured host: at {address}");
    let listed = plain::is_listed(address);
    ensure!(
        passes(&policies[1], Trust::Computed) == (public || listed),
        "the allowed ranges: at {address}"
    );
    let named = origin.host == "app.internal" && origin.port == 80;
    let expected = public || named && !metadata;
    ensure!(passes(&policies[2], Trust::Computed) == expected, "the allowed host: at {address}");
    Ok(())
}
