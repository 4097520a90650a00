//! A mixing step for hash tables that live as long as the process; outputs do not depend on it.

/// Spreads every bit of `key` over the result: both halves of a 128-bit product.
#[inline]
pub fn mix(key: u64) -> u64 {
    let product = u128::from(key ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93_u128;
    (product >> 64) as u64 ^ product as u64
}
