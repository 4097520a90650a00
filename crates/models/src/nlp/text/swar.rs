//! ASCII text processed eight bytes at a time in 64-bit integers: the same code and bits on every
//! CPU.
//!
//! Bytes are below 128, so their top bits are free for comparisons: x + (128 - least) has the top
//! bit set exactly if x >= least, and no byte overflows into the next.

/// `byte` in every byte.
pub const fn every(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

const TOP: u64 = every(0x80);

/// Top bits of the bytes of `x` between `least` and `most`.
#[inline]
const fn between(x: u64, least: u8, most: u8) -> u64 {
    (x + every(0x80 - least)) & !(x + every(0x7f - most)) & TOP
}

/// The first eight bytes of `bytes` as a little-endian number, padded with zeros.
#[inline]
pub fn load(bytes: &[u8]) -> u64 {
    if let Some(eight) = bytes.first_chunk() {
        return u64::from_le_bytes(*eight);
    }
    // Two loads that may overlap; the shared bytes are equal.
    let number = |low: u64, high: u64, width: usize| low | high << (8 * (bytes.len() - width));
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(low), Some(high)) => {
            let four = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
            number(four(low), four(high), 4)
        }
        _ => match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(low), Some(high)) => {
                let two = |bytes: &[u8; 2]| u64::from(u16::from_le_bytes(*bytes));
                number(two(low), two(high), 2)
            }
            _ => bytes.first().copied().map_or(0, u64::from),
        },
    }
}

/// Copies ASCII to `out`, in lower case if `lowercase`, and returns one bit per byte, lowest first:
/// set for letters and digits.
#[inline]
pub fn copy(block: &[u8; 64], lowercase: bool, out: &mut [u8; 64]) -> u64 {
    let mut mask = 0;
    let small = if lowercase { every(0x20) } else { 0 };
    let (eights, _) = block.as_chunks::<8>();
    let (outs, _) = out.as_chunks_mut::<8>();
    for (i, (eight, out)) in eights.iter().zip(outs).enumerate() {
        let x = u64::from_le_bytes(*eight);
        let letters = between(x | every(0x20), b'a', b'z');
        let words = letters | between(x, b'0', b'9');
        *out = (x | (letters >> 2 & small)).to_le_bytes();
        // Gathers the top bits into one byte: bit 8k of the number goes to bit 56 + k.
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
        for half in all.as_chunks::<64>().0 {
            let (mut same, mut small) = ([0; 64], [0; 64]);
            let mask = copy(half, false, &mut same);
            assert_eq!(copy(half, true, &mut small), mask);
            assert_eq!(same, *half);
            assert_eq!(small, half.to_ascii_lowercase()[..]);
            for (i, byte) in half.iter().enumerate() {
                let bit = mask >> i & 1 == 1;
                assert_eq!(bit, byte.is_ascii_alphanumeric(), "{byte}");
            }
        }
    }

    #[test]
    fn short_inputs_are_padded_with_zeros() {
        let all = b"abcdefghi";
        for len in 0..=all.len() {
            let mut eight = [0; 8];
            let taken = len.min(8);
            eight[..taken].copy_from_slice(&all[..taken]);
            assert_eq!(load(&all[..len]), u64::from_le_bytes(eight), "{len}");
        }
    }
}
