//! An error model as tensors of a model file.

use models::state::{State, StateError};
use models::trees::Ensemble;

use super::correction::Correction;
use super::model::{ErrorModel, Part};
use super::{Loss, LossReference, ReferenceLoss, RowLoss};

/// Losses in the order of their numbers in a file.
const LOSSES: [Loss; 6] = [
    Loss::Mae,
    Loss::Mape,
    Loss::Mse,
    Loss::Rmse,
    Loss::Msle,
    Loss::Rmsle,
];

impl ErrorModel {
    /// Adds the model to a state, as tensors whose names begin with `prefix`.
    pub fn add_to(&self, state: &mut State, prefix: &str) {
        let kinds: Vec<u8> = { self.parts.iter() }
            .map(|part| index(&RowLoss::ALL, part.loss))
            .collect();
        state.insert_u8(&format!("{prefix}.losses"), &[kinds.len()], kinds);
        for (index, part) in self.parts.iter().enumerate() {
            let name = |field: &str| format!("{prefix}.{index}.{field}");
            part.trees.add_to(state, &name("trees"));
            state.insert_f64(&name("scale"), &[1], vec![part.scale]);
            let correction = &part.correction;
            for (field, values) in [
                ("xs", &correction.xs),
                ("ys", &correction.ys),
                ("variances", &correction.variances),
                ("weights", &correction.weights),
            ] {
                state.insert_f64(&name(field), &[values.len()], values.clone());
            }
        }
        let reference = &self.reference;
        let name = |field: &str| format!("{prefix}.reference.{field}");
        let column = |of: fn(&ReferenceLoss) -> f64| reference.losses.iter().map(of).collect();
        let count = reference.losses.len();
        state.insert_u64(&name("rows"), &[1], vec![reference.rows]);
        let kinds = reference
            .losses
            .iter()
            .map(|loss| index(&LOSSES, loss.loss));
        state.insert_u8(&name("losses"), &[count], kinds.collect());
        state.insert_f64(&name("values"), &[count], column(|loss| loss.value));
        state.insert_f64(&name("deviations"), &[count], column(|loss| loss.deviation));
    }

    /// Reads what [`ErrorModel::add_to`] wrote.
    ///
    /// # Errors
    /// If a tensor is missing or contradicts another.
    pub fn from_state(state: &State, prefix: &str) -> Result<ErrorModel, StateError> {
        let losses = format!("{prefix}.losses");
        let kinds = state.u8s(&losses, &[None])?;
        let part = |(index, &kind): (usize, &u8)| {
            let loss = RowLoss::ALL.get(usize::from(kind)).copied();
            let loss = loss.ok_or_else(|| StateError::invalid(&losses, "not a known loss"))?;
            read_part(state, &format!("{prefix}.{index}"), loss)
        };
        let parts: Vec<Part> = kinds
            .iter()
            .enumerate()
            .map(part)
            .collect::<Result<_, _>>()?;
        let columns = |part: &Part| part.trees.columns();
        if parts
            .windows(2)
            .any(|pair| columns(&pair[0]) != columns(&pair[1]))
        {
            return Err(StateError::invalid(&losses, "trees of different columns"));
        }
        Ok(ErrorModel {
            parts,
            reference: read_reference(state, &format!("{prefix}.reference"))?,
        })
    }
}

fn index<T: PartialEq>(all: &[T], one: T) -> u8 {
    all.iter().position(|known| *known == one).unwrap_or(0) as u8
}

fn read_part(state: &State, prefix: &str, loss: RowLoss) -> Result<Part, StateError> {
    let name = |field: &str| format!("{prefix}.{field}");
    let scale = state.f64s(&name("scale"), &[Some(1)])?[0];
    if !(scale > 0.0 && scale.is_finite()) {
        return Err(StateError::invalid(&name("scale"), "not positive"));
    }
    let trees = Ensemble::from_state(state, &name("trees"))?;
    if trees.outputs() != 1 || trees.columns() == 0 {
        return Err(StateError::invalid(
            &name("trees.start"),
            "not trees of one loss",
        ));
    }
    let xs = state.f64s(&name("xs"), &[None])?.to_vec();
    let read = |field: &str| {
        state
            .f64s(&name(field), &[Some(xs.len())])
            .map(<[f64]>::to_vec)
    };
    let correction = Correction {
        ys: read("ys")?,
        variances: read("variances")?,
        weights: read("weights")?,
        xs,
    };
    let rising = correction.xs.windows(2).all(|pair| pair[0] < pair[1]);
    if correction.xs.is_empty() || !rising || !are_finite(&correction.xs) {
        return Err(StateError::invalid(&name("xs"), "not finite and ascending"));
    }
    if !are_finite(&correction.ys) {
        return Err(StateError::invalid(&name("ys"), "not finite"));
    }
    let not_negative = |values: &[f64]| are_finite(values) && values.iter().all(|&v| v >= 0.0);
    if !not_negative(&correction.variances) {
        return Err(StateError::invalid(
            &name("variances"),
            "negative or not finite",
        ));
    }
    if !not_negative(&correction.weights) || correction.weights.contains(&0.0) {
        return Err(StateError::invalid(&name("weights"), "not positive"));
    }
    Ok(Part {
        loss,
        scale,
        trees,
        correction,
    })
}

fn are_finite(values: &[f64]) -> bool {
    values.iter().all(|value| value.is_finite())
}

fn read_reference(state: &State, prefix: &str) -> Result<LossReference, StateError> {
    let name = |field: &str| format!("{prefix}.{field}");
    let rows = state.u64s(&name("rows"), &[Some(1)])?[0];
    if rows == 0 {
        return Err(StateError::invalid(&name("rows"), "no rows"));
    }
    let kinds = state.u8s(&name("losses"), &[None])?;
    let values = state.f64s(&name("values"), &[Some(kinds.len())])?;
    let deviations = state.f64s(&name("deviations"), &[Some(kinds.len())])?;
    let are_valid = |values: &[f64]| are_finite(values) && values.iter().all(|&v| v >= 0.0);
    if !are_valid(values) || !are_valid(deviations) {
        return Err(StateError::invalid(
            &name("values"),
            "negative or not finite",
        ));
    }
    let loss = |((&kind, &value), &deviation): ((&u8, &f64), &f64)| {
        let loss = LOSSES.get(usize::from(kind)).copied();
        let loss = loss.ok_or_else(|| StateError::invalid(&name("losses"), "not a known loss"))?;
        Ok(ReferenceLoss {
            loss,
            value,
            deviation,
        })
    };
    let losses = kinds.iter().zip(values).zip(deviations).map(loss);
    Ok(LossReference {
        rows,
        losses: losses.collect::<Result<_, StateError>>()?,
    })
}
