//! A linear model as tensors of a model file.

use super::design::{Design, Encoding, Levels, Number};
use super::model::Linear;
use crate::state::{State, StateError};
use crate::trees::Link;

/// Numbers that are stored per column of numbers: bounds, mean, scale, share of missing ones.
const FIELDS: usize = 5;
/// Kinds of columns: numbers, numbers with a feature for missing ones, categories.
const NUMBER: u8 = 0;
const NUMBER_OR_MISSING: u8 = 1;
const LEVELS: u8 = 2;
/// Largest coefficient, and largest standardized number: sums of their products are finite.
const LARGEST_COEFFICIENT: f64 = 1e200;
const LARGEST_FEATURE: f64 = 1e100;

impl Linear {
    /// Adds the model to a state, as tensors named `prefix.field`.
    pub fn add_to(&self, state: &mut State, prefix: &str) {
        let name = |field: &str| format!("{prefix}.{field}");
        let link = Link::ALL.iter().position(|&link| link == self.link);
        state.insert_u8(&name("link"), &[1], vec![link.unwrap_or(0) as u8]);
        let (mut kinds, mut numbers) = (Vec::new(), Vec::new());
        let (mut codes, mut shares, mut starts) = (Vec::new(), Vec::new(), vec![0]);
        for encoding in &self.design.encodings {
            match encoding {
                Encoding::Number(number) => {
                    kinds.push(match number.missing {
                        None => NUMBER,
                        Some(_) => NUMBER_OR_MISSING,
                    });
                    numbers.extend([number.low, number.high, number.mean, number.scale]);
                    numbers.push(number.missing.unwrap_or(0.0));
                }
                Encoding::Levels(levels) => {
                    kinds.push(LEVELS);
                    codes.extend_from_slice(&levels.codes);
                    shares.extend_from_slice(&levels.shares);
                    starts.push(codes.len() as u32);
                }
            }
        }
        state.insert_u8(&name("kinds"), &[kinds.len()], kinds);
        let shape = [numbers.len() / FIELDS, FIELDS];
        state.insert_f64(&name("numbers"), &shape, numbers);
        state.insert_u32(&name("level_starts"), &[starts.len()], starts);
        state.insert_u32(&name("levels"), &[codes.len()], codes);
        state.insert_f64(&name("shares"), &[shares.len()], shares);
        let (width, outputs) = (self.design.width(), self.outputs());
        let coefficients = self.coefficients.clone();
        state.insert_f64(&name("coefficients"), &[width, outputs], coefficients);
        state.insert_f64(&name("intercepts"), &[outputs], self.intercepts.clone());
    }

    /// Reads what [`Linear::add_to`] wrote. The result can score any table without panic, and its
    /// margins are finite.
    ///
    /// # Errors
    /// If a tensor is missing or contradicts the others.
    pub fn from_state(state: &State, prefix: &str) -> Result<Linear, StateError> {
        let name = |field: &str| format!("{prefix}.{field}");
        let link = usize::from(state.u8s(&name("link"), &[Some(1)])?[0]);
        let link = Link::ALL.get(link).copied();
        let link = link.ok_or_else(|| StateError::invalid(&name("link"), "not a known link"))?;
        let design = read_design(state, prefix)?;
        let intercepts = state.f64s(&name("intercepts"), &[None])?;
        let outputs = intercepts.len();
        let is_wrong = match link {
            Link::Softmax => outputs < 2,
            _ => outputs != 1,
        };
        if is_wrong {
            let reason = "not one intercept per output of the link";
            return Err(StateError::invalid(&name("intercepts"), reason));
        }
        let shape = [Some(design.width()), Some(outputs)];
        let coefficients = state.f64s(&name("coefficients"), &shape)?;
        for (field, values) in [("coefficients", coefficients), ("intercepts", intercepts)] {
            if values.iter().any(|value| value.abs() > LARGEST_COEFFICIENT) {
                return Err(StateError::invalid(&name(field), "beyond 1e200"));
            }
        }
        Ok(Linear {
            design,
            link,
            intercepts: intercepts.to_vec(),
            coefficients: coefficients.to_vec(),
        })
    }
}

fn read_design(state: &State, prefix: &str) -> Result<Design, StateError> {
    let name = |field: &str| format!("{prefix}.{field}");
    let invalid = |field: &str, reason: &str| StateError::invalid(&name(field), reason);
    let kinds = state.u8s(&name("kinds"), &[None])?;
    if kinds.iter().any(|&kind| kind > LEVELS) {
        return Err(invalid("kinds", "not 0, 1 or 2"));
    }
    let categories = kinds.iter().filter(|&&kind| kind == LEVELS).count();
    let shape = [Some(kinds.len() - categories), Some(FIELDS)];
    let (numbers, _) = state.f64s(&name("numbers"), &shape)?.as_chunks::<FIELDS>();
    let starts = state.u32s(&name("level_starts"), &[Some(categories + 1)])?;
    let codes = state.u32s(&name("levels"), &[None])?;
    let shares = [Some(codes.len() + categories)];
    let shares = state.f64s(&name("shares"), &shares)?;
    let is_ascending = starts.windows(2).all(|pair| pair[0] <= pair[1]);
    if starts[0] != 0 || starts[categories] as usize != codes.len() || !is_ascending {
        return Err(invalid("level_starts", "not the starts of columns' levels"));
    }
    if shares.iter().any(|share| !(0.0..=1.0).contains(share)) {
        return Err(invalid("shares", "not from 0 to 1"));
    }
    let (mut number, mut category) = (0, 0);
    let mut encodings = Vec::with_capacity(kinds.len());
    for &kind in kinds {
        if kind == LEVELS {
            let (start, end) = (starts[category] as usize, starts[category + 1] as usize);
            let codes = codes[start..end].to_vec();
            if !codes.windows(2).all(|pair| pair[0] < pair[1]) {
                return Err(invalid("levels", "not ascending"));
            }
            // Every column before this one has a share more than levels.
            let shares = shares[start + category..=end + category].to_vec();
            encodings.push(Encoding::Levels(Levels { codes, shares }));
            category += 1;
        } else {
            let read = read_number(numbers[number], kind).map_err(|e| invalid("numbers", e))?;
            encodings.push(Encoding::Number(read));
            number += 1;
        }
    }
    Ok(Design::new(encodings))
}

fn read_number(fields: [f64; FIELDS], kind: u8) -> Result<Number, &'static str> {
    let [low, high, mean, scale, missing] = fields;
    if !(low <= mean && mean <= high) {
        return Err("a mean outside its bounds");
    }
    // The difference may be infinite, and 0 times that is NaN.
    let reach = (high - low) * scale;
    if !(scale >= 0.0 && reach <= LARGEST_FEATURE) {
        return Err("a scale that is negative or too large");
    }
    if !(0.0..=1.0).contains(&missing) {
        return Err("a share not from 0 to 1");
    }
    Ok(Number {
        low,
        high,
        mean,
        scale,
        missing: (kind == NUMBER_OR_MISSING).then_some(missing),
    })
}
