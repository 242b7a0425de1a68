//! A checksum over a record and what belongs to it, so that damage to it is noticed.

/// The form of what is sealed. Another one is from a version that is not this one.
const VERSION: u8 = 1;

/// Version and checksum.
const HEAD_BYTES: usize = 5;

/// The CRC-32 of Ethernet and zip.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seal(u32);

// === impl Seal ===

impl Seal {
    /// A seal over nothing yet.
    pub(super) fn new() -> Seal {
        Seal(!0)
    }

    /// Adds a text, with its length, so that no end of one can be the beginning of the next.
    pub(super) fn text(self, text: &str) -> Seal {
        self.number(text.len() as i64).bytes(text.as_bytes())
    }

    /// Adds a number.
    pub(super) fn number(self, number: i64) -> Seal {
        self.bytes(&number.to_le_bytes())
    }

    /// The data under this seal: version, checksum, data.
    pub(super) fn close(self, data: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(HEAD_BYTES + data.len());
        sealed.push(VERSION);
        sealed.extend(self.bytes(data).0.to_le_bytes());
        sealed.extend_from_slice(data);
        sealed
    }

    /// The data, if neither it nor what was added to the seal has changed.
    pub(super) fn open(self, sealed: &[u8]) -> Option<&[u8]> {
        let (head, data) = sealed.split_at_checked(HEAD_BYTES)?;
        let intact = head[0] == VERSION && head[1..] == self.bytes(data).0.to_le_bytes();
        intact.then_some(data)
    }

    fn bytes(self, bytes: &[u8]) -> Seal {
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
        Seal(crc)
    }
}

/// What a byte does to the checksum when no, one, two, three bytes follow it.
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
    fn it_is_the_usual_checksum() {
        assert_eq!(!Seal::new().bytes(b"123456789").0, 0xCBF4_3926);
        assert_eq!(!Seal::new().bytes(b"12345").bytes(b"6789").0, 0xCBF4_3926);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let seal = Seal::new().text("FN1").number(7);
        let sealed = seal.close(b"a state of some length");
        assert_eq!(seal.open(&sealed), Some(&b"a state of some length"[..]));
        for bit in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(seal.open(&damaged), None, "bit {bit}");
        }
        assert_eq!(seal.number(1).open(&sealed), None);
        assert_eq!(seal.open(&sealed[..sealed.len() - 1]), None);
        assert_eq!(seal.open(b""), None);
    }
}
