//! The only place that draws random numbers, from the operating system.

use std::cell::RefCell;

/// Random bytes that a thread draws at once: a system call for each id would cost more than the id.
const POOL_BYTES: usize = 1024;

/// Random bytes, and how many of them have been given out.
type Pool = ([u8; POOL_BYTES], usize);

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(([0; POOL_BYTES], POOL_BYTES)) };
}

/// A new identifier: the prefix and 32 hexadecimal digits, 128 bits that nobody can guess.
pub fn sid(prefix: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut sid = String::with_capacity(prefix.len() + 32);
    sid.push_str(prefix);
    for byte in bytes() {
        sid.push(DIGITS[usize::from(byte >> 4)] as char);
        sid.push(DIGITS[usize::from(byte & 15)] as char);
    }
    sid
}

/// Sixteen random bytes, each given out once.
fn bytes() -> [u8; 16] {
    POOL.with_borrow_mut(|(pool, used)| {
        if *used == POOL_BYTES {
            getrandom::fill(pool).expect("the system has a source of random numbers");
            *used = 0;
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&pool[*used..*used + 16]);
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
}
