//! Estimates the number of distinct values of a stream from their hashes: HyperLogLog, with the
//! estimator of Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017),
//! which needs no correction tables and is unbiased over the whole range.

/// A sketch of 64-bit hashes. The hash must be good, and the same on every machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Distinct {
    /// Number of leading bits of a hash that select its register.
    precision: u32,
    /// The longest run of zeros, plus one, after those bits.
    registers: Vec<u8>,
}

impl Distinct {
    /// Creates a sketch of `2^precision` bytes; the standard error is `1.04 / 2^(precision / 2)`:
    /// 0.4 % for 16.
    ///
    /// # Panics
    /// If the precision is not between 4 and 18.
    ///
    /// # Examples
    /// ```
    /// use easylife_tables::sketch::distinct::Distinct;
    ///
    /// let mut sketch = Distinct::new(14);
    /// for value in 0..20_000_u64 {
    ///     // Each value twice.
    ///     sketch.insert(xxhash_rust::xxh3::xxh3_64(&(value % 10_000).to_le_bytes()));
    /// }
    /// assert!((sketch.estimate() - 10_000.0).abs() < 500.0);
    /// ```
    pub fn new(precision: u32) -> Distinct {
        assert!((4..=18).contains(&precision), "precision {precision}");
        Distinct {
            precision,
            registers: vec![0; 1 << precision],
        }
    }

    /// Adds a value by its hash. Repetitions make no difference.
    pub fn insert(&mut self, hash: u64) {
        let index = (hash >> (64 - self.precision)) as usize;
        // The bit set after the rest bounds the run if all of it is zero.
        let rest = hash << self.precision | 1 << (self.precision - 1);
        let register = &mut self.registers[index];
        *register = (*register).max(rest.leading_zeros() as u8 + 1);
    }

    /// Adds the values of another sketch of the same precision.
    ///
    /// The estimate is then that of a sketch of all values, to the bit, in any order of merging.
    ///
    /// # Panics
    /// If the precisions differ.
    pub fn merge(&mut self, next: &Distinct) {
        assert_eq!(
            self.precision, next.precision,
            "expected sketches of the same precision"
        );
        for (register, &other) in self.registers.iter_mut().zip(&next.registers) {
            *register = (*register).max(other);
        }
    }

    /// Estimated number of distinct hashes.
    pub fn estimate(&self) -> f64 {
        let bits = (64 - self.precision) as usize;
        let mut counts = vec![0u32; bits + 2];
        for &register in &self.registers {
            counts[usize::from(register)] += 1;
        }
        let registers = self.registers.len() as f64;
        let share = |index: usize| f64::from(counts[index]) / registers;
        let mut z = registers * tau(1.0 - share(bits + 1));
        for &count in counts[1..=bits].iter().rev() {
            z = 0.5 * (z + f64::from(count));
        }
        z += registers * sigma(share(0));
        let alpha = 0.5 / std::f64::consts::LN_2;
        alpha * registers * registers / z
    }
}

/// x + sum over k of x^(2^k) 2^(k-1).
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

/// (1 - x - sum over k of (1 - x^(2^-k))^2 2^-k) / 3.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    fn of(values: std::ops::Range<u64>) -> Distinct {
        let mut sketch = Distinct::new(16);
        values.for_each(|value| sketch.insert(xxh3_64(&value.to_le_bytes())));
        sketch
    }

    #[test]
    fn estimates_are_within_two_percent() {
        for count in [
            1u64, 10, 1_000, 30_000, 65_536, 200_000, 1_000_000, 5_000_000,
        ] {
            let estimate = of(0..count).estimate();
            let off = (estimate / count as f64 - 1.0).abs();
            assert!(off < 0.02, "{count}: {estimate}");
        }
        assert_eq!(Distinct::new(4).estimate(), 0.0);
    }

    #[test]
    fn merging_is_the_same_as_seeing_all() {
        let mut merged = of(0..70_000);
        merged.merge(&of(30_000..120_000));
        assert_eq!(merged, of(0..120_000));
    }

    #[test]
    fn the_last_hashes_have_a_register() {
        let mut sketch = Distinct::new(4);
        [0, u64::MAX].iter().for_each(|&hash| sketch.insert(hash));
        assert_eq!((sketch.registers[0], sketch.registers[15]), (61, 1));
    }
}
