//! Digests of claim keys and of session keys: what the tables and the stores look them up by.
//!
//! A digest has a fixed size, however long the key is, so that hundreds of thousands fit in memory.

use sha2::{Digest as _, Sha256};

use super::ClaimKey;

/// The first 128 bits of the SHA-256 of a key: the same in every process and on every machine.
/// A caller who chooses keys cannot find two with the same digest.
pub(super) type KeyDigest = u128;

/// The bit of a claim's digest that says whether the webhook [can begin](ClaimKey::can_begin)
/// something.
///
/// It is part of the digest, not a column: every place that has the digest (the claim table, its
/// queues, two tables of the store) then knows how long the claim has to be remembered, and a
/// store of a former version needs no change. The bit is the first one, so that the digests with
/// it are those from `X'80'` on in the order that SQL compares blobs by.
pub(super) const CAN_BEGIN: KeyDigest = 1 << 127;

/// The digest of a session key.
pub(super) fn session_digest(session: &str) -> KeyDigest {
    digest(session)
}

/// The digest of a claim key, with [`CAN_BEGIN`] set or cleared by what the key says.
pub(super) fn claim_digest(key: &ClaimKey) -> KeyDigest {
    let plain = digest(key.as_str()) & !CAN_BEGIN;
    if key.can_begin() { plain | CAN_BEGIN } else { plain }
}

/// Whether a claim's digest has [`CAN_BEGIN`].
pub(super) fn digest_can_begin(digest: KeyDigest) -> bool {
    digest & CAN_BEGIN != 0
}

fn digest(key: &str) -> KeyDigest {
    let hash = Sha256::digest(key.as_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    KeyDigest::from_be_bytes(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files on disk hold these.
    #[test]
    fn a_digest_is_the_same_in_every_version() {
        assert_eq!(session_digest(""), 0xe3b0_c442_98fc_1c14_9afb_f4c8_996f_b924);
        assert_eq!(session_digest("abc"), 0xba78_16bf_8f01_cfea_4141_40de_5dae_2223);
    }
}
