//! The checksum of a record: it covers the columns beside the record too, so that damage to any of
//! them is detected.

/// The form of a record under its checksum. Any other one is of another version.
const RECORD_VERSION: u8 = 1;

/// Version and checksum.
const HEADER_BYTES: usize = 5;

/// A CRC-32 (ISO-HDLC, as in Ethernet and zip), without its final inversion.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checksum(u32);

// === impl Checksum ===

impl Checksum {
    /// The checksum of nothing yet.
    pub(super) fn new() -> Checksum {
        Checksum(!0)
    }

    /// Adds a text, with its length, so that no end of one can be the beginning of the next.
    pub(super) fn text(self, text: &str) -> Checksum {
        self.number(text.len() as i64).bytes(text.as_bytes())
    }

    /// Adds a number.
    pub(super) fn number(self, number: i64) -> Checksum {
        self.bytes(&number.to_le_bytes())
    }

    /// The data with a header: version, checksum, data.
    pub(super) fn wrap(self, data: &[u8]) -> Vec<u8> {
        let mut wrapped = Vec::with_capacity(HEADER_BYTES + data.len());
        wrapped.push(RECORD_VERSION);
        wrapped.extend(self.bytes(data).0.to_le_bytes());
        wrapped.extend_from_slice(data);
        wrapped
    }

    /// The data, if neither it nor what was added to the checksum has changed.
    pub(super) fn verify(self, wrapped: &[u8]) -> Option<&[u8]> {
        let (header, data) = wrapped.split_at_checked(HEADER_BYTES)?;
        let is_intact =
            header[0] == RECORD_VERSION && header[1..] == self.bytes(data).0.to_le_bytes();
        is_intact.then_some(data)
    }

    fn bytes(self, bytes: &[u8]) -> Checksum {
        // Four bytes at a time: the state of each commit goes through here.
        let mut chunks = bytes.chunks_exact(4);
        let mut crc = self.0;
        for chunk in chunks.by_ref() {
            let [a, b, c, d] = [chunk[0], chunk[1], chunk[2], chunk[3]];
            let [a, b, c, d] = (crc ^ u32::from_le_bytes([a, b, c, d])).to_le_bytes();
            crc = TABLES[3][usize::from(a)]
                ^ TABLES[2][usize::from(b)]
                ^ TABLES[1][usize::from(c)]
                ^ TABLES[0][usize::from(d)];
        }
        for byte in chunks.remainder() {
            crc = TABLES[0][usize::from(crc as u8 ^ byte)] ^ (crc >> 8);
        }
        Checksum(crc)
    }
}

/// What a byte adds to the checksum when no, one, two, three bytes follow it.
static TABLES: [[u32; 256]; 4] = tables();

const fn tables() -> [[u32; 256]; 4] {
    let mut tables = [[0; 256]; 4];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut table = 1;
    while table < 4 {
        let mut byte = 0;
        while byte < 256 {
            let crc: u32 = tables[table - 1][byte];
            tables[table][byte] = tables[0][(crc & 0xFF) as usize] ^ (crc >> 8);
            byte += 1;
        }
        table += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_crc_32_of_zip() {
        assert_eq!(!Checksum::new().bytes(b"123456789").0, 0xCBF4_3926);
        assert_eq!(!Checksum::new().bytes(b"12345").bytes(b"6789").0, 0xCBF4_3926);
    }

    #[test]
    fn every_flipped_bit_is_detected() {
        let checksum = Checksum::new().text("FN1").number(7);
        let wrapped = checksum.wrap(b"a state of some length");
        assert_eq!(checksum.verify(&wrapped), Some(&b"a state of some length"[..]));
        for bit in 0..wrapped.len() * 8 {
            let mut damaged = wrapped.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(checksum.verify(&damaged), None, "bit {bit}");
        }
        assert_eq!(checksum.number(1).verify(&wrapped), None);
        assert_eq!(checksum.verify(&wrapped[..wrapped.len() - 1]), None);
        assert_eq!(checksum.verify(b""), None);
    }
}
