//! An ensemble as tensors of a model file.

use super::ensemble::{Ensemble, EnsembleError, Parts};
use super::loss::Link;
use crate::state::{State, StateError};

impl Ensemble {
    /// Adds the arrays to a state, as tensors named `prefix.field`.
    pub fn add_to(&self, state: &mut State, prefix: &str) {
        let parts = self.parts();
        let name = |field: &str| format!("{prefix}.{field}");
        let link = Link::ALL.iter().position(|&link| link == parts.link);
        state.insert_u8(&name("link"), &[1], vec![link.unwrap_or(0) as u8]);
        let numbers = [
            ("start", &parts.start),
            ("cuts", &parts.cuts),
            ("values", &parts.values),
            ("hessians", &parts.hessians),
            ("gains", &parts.gains),
        ];
        for (field, values) in numbers {
            state.insert_f64(&name(field), &[values.len()], values.clone());
        }
        let indices = [
            ("cut_starts", &parts.cut_starts),
            ("category_starts", &parts.category_starts),
            ("tree_starts", &parts.tree_starts),
            ("lefts", &parts.lefts),
            ("columns", &parts.columns),
            ("tests", &parts.tests),
            ("rows", &parts.rows),
        ];
        for (field, values) in indices {
            state.insert_u32(&name(field), &[values.len()], values.clone());
        }
        let bytes = [
            ("kinds", &parts.kinds),
            ("category_bins", &parts.category_bins),
            ("missing_left", &parts.missing_left),
        ];
        for (field, values) in bytes {
            state.insert_u8(&name(field), &[values.len()], values.clone());
        }
        state.insert_u64(&name("sets"), &[parts.sets.len()], parts.sets.clone());
    }

    /// Reads what [`Ensemble::add_to`] wrote.
    ///
    /// # Errors
    /// If a tensor is missing, or the arrays are not a valid ensemble.
    pub fn from_state(state: &State, prefix: &str) -> Result<Ensemble, StateError> {
        let name = |field: &str| format!("{prefix}.{field}");
        let numbers = |field: &str| state.f64s(&name(field), &[None]).map(<[f64]>::to_vec);
        let indices = |field: &str| state.u32s(&name(field), &[None]).map(<[u32]>::to_vec);
        let bytes = |field: &str| state.u8s(&name(field), &[None]).map(<[u8]>::to_vec);
        let link = usize::from(state.u8s(&name("link"), &[Some(1)])?[0]);
        let link = Link::ALL.get(link).copied();
        let link = link.ok_or_else(|| StateError::invalid(&name("link"), "not a known link"))?;
        let parts = Parts {
            link,
            start: numbers("start")?,
            kinds: bytes("kinds")?,
            cut_starts: indices("cut_starts")?,
            cuts: numbers("cuts")?,
            category_starts: indices("category_starts")?,
            category_bins: bytes("category_bins")?,
            tree_starts: indices("tree_starts")?,
            lefts: indices("lefts")?,
            columns: indices("columns")?,
            tests: indices("tests")?,
            missing_left: bytes("missing_left")?,
            sets: state.u64s(&name("sets"), &[None])?.to_vec(),
            values: numbers("values")?,
            rows: indices("rows")?,
            hessians: numbers("hessians")?,
            gains: numbers("gains")?,
        };
        Ensemble::from_parts(parts).map_err(|error| match error {
            EnsembleError::Invalid { part, reason } => StateError::invalid(&name(part), reason),
            other => StateError::invalid(prefix, other.to_string()),
        })
    }
}
