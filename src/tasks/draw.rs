//! Random draws for a row of sample data: each row has its own ChaCha8 stream, so that rows are independent.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub struct Draw(ChaCha8Rng);

impl Draw {
    /// The stream of `row` under `key`.
    pub fn new(key: [u8; 32], row: u64) -> Draw {
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(row);
        Draw(rng)
    }

    /// A whole number in `0..n`. Its bias, at most n / 2^32, does not matter for sample data.
    pub fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.0.next_u32()) * n as u64) >> 32) as usize
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        f64::from(self.0.next_u32()) < probability * 4_294_967_296.0
    }

    /// A number in low..high.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * f64::from(self.0.next_u32()) / 4_294_967_296.0
    }

    /// A log-uniform number between low and high, both above 0.
    pub fn log_uniform(&mut self, low: f64, high: f64) -> f64 {
        libm::exp(self.uniform(libm::log(low), libm::log(high)))
    }

    /// Approximately standard normal: the sum of twelve uniform numbers (Irwin and Hall) minus 6.
    pub fn normal(&mut self) -> f64 {
        let sum: u64 = (0..12).map(|_| u64::from(self.0.next_u32())).sum();
        sum as f64 / 4_294_967_296.0 - 6.0
    }

    pub fn choose<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}
