//! The connection overrides in a URL's fragment: `#rc=2&rp=5xx,rt&ct=2000`. The carrier neither
//! sends nor signs the fragment.

use std::time::Duration;

use super::{CONNECT, TOTAL};
use crate::webhook::Params;

/// The time limits and retries for one URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UrlOverrides {
    /// `ct`, 100 to 10,000 ms
    pub(super) connect: Duration,
    /// `rt`, 100 to 15,000 ms
    pub(super) read: Duration,
    /// `tt`, 100 to 15,000 ms: over all tries.
    pub(super) total: Duration,
    /// `rc`, 0 to 5
    pub(super) retries: u32,
    /// `rp`: the errors after which a request is sent again.
    policies: Vec<String>,
}

impl UrlOverrides {
    /// Reads a fragment. A number out of its range becomes the nearest one in it.
    pub(super) fn parse(fragment: &str) -> UrlOverrides {
        let params = Params::decode_query(fragment).unwrap_or_default();
        let number = |name: &str| params.get(name).and_then(|text| text.parse::<u64>().ok());
        let within = |name: &str, most: u64, usual: Duration| {
            let number = number(name).map(|number| number.clamp(100, most));
            number.map_or(usual, Duration::from_millis)
        };
        // The carrier's default retries a failed connection only.
        let policies = params.get("rp").unwrap_or("ct").split(',').map(str::to_owned).collect();
        UrlOverrides {
            connect: within("ct", 10_000, CONNECT),
            read: within("rt", 15_000, TOTAL),
            total: within("tt", 15_000, TOTAL),
            // One retry is the carrier's default, five are its most.
            retries: number("rc").unwrap_or(1).min(5) as u32,
            policies,
        }
    }

    /// Whether a request without a response is sent again.
    pub(super) fn retries_lost_request(&self, connected: bool) -> bool {
        self.has_policy(if connected { "rt" } else { "ct" })
    }

    /// Whether a request is sent again after this status.
    pub(super) fn retries_status(&self, status: u16) -> bool {
        match status {
            400..=499 => self.has_policy("4xx"),
            500..=599 => self.has_policy("5xx"),
            _ => false,
        }
    }

    fn has_policy(&self, policy: &str) -> bool {
        self.policies.iter().any(|known| known == policy || known == "all")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_documented_overrides() {
        let usual = UrlOverrides::parse("");
        assert_eq!((usual.retries, usual.total), (1, Duration::from_secs(15)));
        assert!(
            usual.retries_lost_request(false)
                && !usual.retries_lost_request(true)
                && !usual.retries_status(503)
        );
        let set = UrlOverrides::parse("rc=9&rp=5xx,ct,rt&ct=2&rt=5000&tt=99999&sni=y&e=dublin");
        assert_eq!((set.retries, set.connect.as_millis()), (5, 100));
        assert_eq!((set.read.as_secs(), set.total.as_secs()), (5, 15));
        assert!(
            set.retries_status(503) && set.retries_lost_request(true) && !set.retries_status(404)
        );
    }
}
