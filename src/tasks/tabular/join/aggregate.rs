//! What the values of many rows become, value by value.

use std::collections::HashSet;

use crate::tasks::tabular::params::join::Aggregate;

/// A cell of a joined column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    Missing,
    Number(f64),
    /// A word of the column, by its number.
    Word(u32),
}

impl Value {
    /// A number; NaN is missing.
    pub fn of(number: f64) -> Self {
        match number.is_nan() {
            true => Value::Missing,
            false => Value::Number(number),
        }
    }

    /// What tells it from other values of its column.
    fn identity(self) -> Option<u64> {
        match self {
            Value::Missing => None,
            // Zeros are one value.
            Value::Number(number) => Some((number + 0.0).to_bits()),
            Value::Word(code) => Some(u64::from(code)),
        }
    }
}

/// An aggregate of the values so far. Sums are taken in the order of the values, so that they are the same on every
/// run.
#[derive(Clone, Debug)]
pub struct Accumulator {
    how: Aggregate,
    /// Number of values that are not missing.
    count: u64,
    sum: f64,
    /// The smallest, largest, first or last.
    chosen: Value,
    different: HashSet<u64>,
}

impl Accumulator {
    pub fn new(how: Aggregate) -> Self {
        Self {
            how,
            count: 0,
            sum: 0.0,
            chosen: Value::Missing,
            different: HashSet::new(),
        }
    }

    /// Adds the value of the next row.
    pub fn add(&mut self, value: Value) {
        let Some(identity) = value.identity() else {
            return;
        };
        self.count += 1;
        if let Value::Number(number) = value {
            self.sum += number;
        }
        let replaces = match (self.how, self.chosen, value) {
            (Aggregate::First, chosen, _) => chosen == Value::Missing,
            (Aggregate::Min, Value::Number(least), Value::Number(number)) => number < least,
            (Aggregate::Max, Value::Number(most), Value::Number(number)) => number > most,
            (Aggregate::Different, ..) => {
                self.different.insert(identity);
                false
            }
            _ => true,
        };
        if replaces {
            self.chosen = value;
        }
    }

    /// The aggregate of all values so far.
    pub fn value(&self) -> Value {
        match self.how {
            Aggregate::Sum => Value::of(self.sum),
            Aggregate::Mean => Value::of(self.sum / self.count as f64),
            Aggregate::Different => Value::Number(self.different.len() as f64),
            Aggregate::Min | Aggregate::Max | Aggregate::First | Aggregate::Last => self.chosen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggregates_are_those_of_a_hand() {
        let values = [2.0, f64::NAN, -1.0, 5.0, 2.0];
        let of = |how: Aggregate, values: &[f64]| {
            let mut all = Accumulator::new(how);
            values.iter().for_each(|&value| all.add(Value::of(value)));
            all.value()
        };
        for (how, expected, of_nothing) in [
            (Aggregate::Sum, 8.0, Value::Number(0.0)),
            (Aggregate::Mean, 2.0, Value::Missing),
            (Aggregate::Min, -1.0, Value::Missing),
            (Aggregate::Max, 5.0, Value::Missing),
            (Aggregate::First, 2.0, Value::Missing),
            (Aggregate::Last, 2.0, Value::Missing),
            (Aggregate::Different, 3.0, Value::Number(0.0)),
        ] {
            assert_eq!(of(how, &values), Value::Number(expected), "{how:?}");
            assert_eq!(of(how, &[f64::NAN]), of_nothing, "{how:?}");
        }
    }

    #[test]
    fn words_are_first_last_or_different() {
        let of = |how: Aggregate| {
            let mut all = Accumulator::new(how);
            let values = [
                Value::Word(3),
                Value::Missing,
                Value::Word(1),
                Value::Word(3),
                Value::Word(1),
            ];
            values.into_iter().for_each(|value| all.add(value));
            all.value()
        };
        assert_eq!(of(Aggregate::First), Value::Word(3));
        assert_eq!(of(Aggregate::Last), Value::Word(1));
        assert_eq!(of(Aggregate::Different), Value::Number(2.0));
    }
}
