//! Random numbers from the operating system. This module alone draws them.

use std::cell::RefCell;
use std::sync::LazyLock;
use std::time::Duration;

use rustls::crypto::{GetRandomFailed, SecureRandom};

use crate::hex::push_hex;

/// The bytes that a thread draws at once: a system call for each identifier would cost more than
/// the identifier.
const POOL_BYTES: usize = 1024;

/// Random bytes, and the number of those that were used.
type RandomPool = ([u8; POOL_BYTES], usize);

/// The random source of TLS. Getting it builds a list of ciphers, so it is got once.
static SOURCE: LazyLock<&'static dyn SecureRandom> =
    LazyLock::new(|| rustls::crypto::ring::default_provider().secure_random);

thread_local! {
    static POOL: RefCell<RandomPool> = const { RefCell::new(([0; POOL_BYTES], POOL_BYTES)) };
}

/// A new identifier: the prefix and 32 hexadecimal digits with 128 random bits.
pub(crate) fn sid(prefix: &str) -> String {
    format_sid(prefix, &bytes())
}

/// A new identifier that sorts by `now`, the time since 1970: 48 bits of milliseconds and 80 random
/// bits. It shows its time, so it is not a secret. A store appends it, which is cheaper than an
/// insertion at a random place.
pub(crate) fn sid_in_order(prefix: &str, now: Duration) -> String {
    let mut bytes = bytes();
    // The first two of eight bytes are zero until the year 10889.
    bytes[..6].copy_from_slice(&(now.as_millis() as u64).to_be_bytes()[2..]);
    format_sid(prefix, &bytes)
}

fn format_sid(prefix: &str, bytes: &[u8; 16]) -> String {
    let mut sid = String::with_capacity(prefix.len() + 32);
    sid.push_str(prefix);
    push_hex(&mut sid, bytes);
    sid
}

/// Fills `bytes` with random numbers of the operating system, as TLS does.
///
/// # Errors
/// The system has no random numbers.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
    SOURCE.fill(bytes)
}

/// Sixteen random bytes.
fn bytes() -> [u8; 16] {
    POOL.with_borrow_mut(|(pool, used)| {
        if *used == POOL_BYTES {
            // Without random numbers no token is safe, so this must not continue.
            fill(pool).expect("the system has a source of random numbers");
            *used = 0;
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&pool[*used..*used + 16]);
        // Used once, and wiped: the pool must not contain a token that is valid.
        pool[*used..*used + 16].fill(0);
        *used += 16;
        bytes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sids_differ() {
        let sids: std::collections::HashSet<String> = (0..1_000).map(|_| sid("FN")).collect();
        assert_eq!(sids.len(), 1_000);
        assert!(sids.iter().all(|sid| sid.len() == 34 && sid.starts_with("FN")));
    }

    #[test]
    fn sids_in_order_sort_by_time_and_differ() {
        let at = |milliseconds| sid_in_order("FN", Duration::from_millis(milliseconds));
        let sids: std::collections::HashSet<String> = (0..1_000).map(|_| at(1)).collect();
        assert_eq!(sids.len(), 1_000);
        assert!(sids.iter().all(|sid| sid.len() == 34 && sid.starts_with("FN000000000001")));
        assert!(at(255) < at(256) && at(1_790_000_000_000) < at(1_790_000_000_001));
    }
}
