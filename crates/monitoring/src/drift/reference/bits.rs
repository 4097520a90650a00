//! A set of hashes in 512 bytes: it may take a hash for a member that is none, never the reverse.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// The set; stored as hexadecimal digits.
#[derive(Clone, Debug, PartialEq)]
pub struct Bits(Box<[u64; Bits::WORDS]>);

impl Default for Bits {
    fn default() -> Bits {
        Bits(Box::new([0; Bits::WORDS]))
    }
}

impl Bits {
    /// Number of bits.
    pub const LEN: usize = 4096;
    const WORDS: usize = Bits::LEN / 64;

    /// Adds a hash by its upper bits.
    pub fn set(&mut self, hash: u64) {
        self.set_low((hash >> 52) as u32);
    }

    /// Whether a hash is likely a member, by its upper bits.
    pub fn has(&self, hash: u64) -> bool {
        self.has_low((hash >> 52) as u32)
    }

    /// Adds a hash by its lower bits.
    pub fn set_low(&mut self, hash: u32) {
        let bit = hash as usize % Bits::LEN;
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    /// Whether a hash is likely a member, by its lower bits.
    #[inline]
    pub fn has_low(&self, hash: u32) -> bool {
        let bit = hash as usize % Bits::LEN;
        self.0[bit / 64] >> (bit % 64) & 1 == 1
    }

    /// Number of bits set.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}

impl Serialize for Bits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits: String = self.0.iter().map(|word| format!("{word:016x}")).collect();
        serializer.serialize_str(&digits)
    }
}

impl<'de> Deserialize<'de> for Bits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bits, D::Error> {
        let digits = String::deserialize(deserializer)?;
        let expected = || D::Error::custom("expected 1024 hexadecimal digits");
        if digits.len() != Bits::LEN / 4 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(expected());
        }
        let mut bits = Bits::default();
        for (word, index) in bits.0.iter_mut().zip(0..) {
            let part = digits
                .get(index * 16..index * 16 + 16)
                .ok_or_else(expected)?;
            *word = u64::from_str_radix(part, 16).map_err(|_| expected())?;
        }
        Ok(bits)
    }
}
