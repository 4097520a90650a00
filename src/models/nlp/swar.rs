//! ASCII text eight bytes at a time in plain 64-bit numbers: the same code and bits on every CPU.
//!
//! Bytes are below 128, so that their top bits are free for comparisons: x + (128 - least) has the
//! top bit set exactly when x >= least, and no byte overflows into the next.

/// `byte` in every byte.
const fn every(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

const TOP: u64 = every(0x80);

/// Top bits of the bytes of `x` from `least` to `most`.
#[inline]
const fn between(x: u64, least: u8, most: u8) -> u64 {
    (x + every(0x80 - least)) & !(x + every(0x7f - most)) & TOP
}

/// The first eight bytes of `bytes` as a little-endian number, zeros where there are fewer.
#[inline]
pub(super) fn load(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => {
            let mut eight = [0; 8];
            eight[..bytes.len()].copy_from_slice(bytes);
            u64::from_le_bytes(eight)
        }
    }
}

/// Appends up to 64 bytes of ASCII to `out`, capitals made small where `lowercase`, and returns a bit
/// a byte, the lowest first: set for letters and digits.
#[inline]
pub(super) fn copy(block: &[u8], lowercase: bool, out: &mut Vec<u8>) -> u64 {
    let mut mask = 0;
    let small = if lowercase { every(0x20) } else { 0 };
    for (i, bytes) in block.chunks(8).enumerate() {
        let x = load(bytes);
        let letters = between(x | every(0x20), b'a', b'z');
        let words = letters | between(x, b'0', b'9');
        let copied = x | (letters >> 2 & small);
        out.extend_from_slice(&copied.to_le_bytes()[..bytes.len()]);
        // The top bits, moved together into one byte: bit 8k of the number goes to bit 56 + k.
        let bits = (words >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        mask |= bits << (8 * i);
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ascii_byte() {
        let all: Vec<u8> = (0..128).collect();
        for half in all.chunks(64) {
            let (mut same, mut small) = (Vec::new(), Vec::new());
            let mask = copy(half, false, &mut same);
            assert_eq!(copy(half, true, &mut small), mask);
            assert_eq!(same, half);
            assert_eq!(small, half.to_ascii_lowercase());
            for (i, byte) in half.iter().enumerate() {
                let bit = mask >> i & 1 == 1;
                assert_eq!(bit, byte.is_ascii_alphanumeric(), "{byte}");
            }
        }
    }

    #[test]
    fn short_blocks_have_no_bits_behind_them() {
        let mut out = Vec::new();
        assert_eq!(copy(b"A b-12", true, &mut out), 0b110_101);
        assert_eq!(out, b"a b-12");
        assert_eq!(copy(b"", true, &mut out), 0);
        assert_eq!(load(b"ab"), 0x6261);
    }
}
