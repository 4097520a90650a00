//! A calibration as tensors of a model file.

use super::{Calibration, Method};
use crate::state::{State, StateError};

impl Calibration {
    /// Adds the calibration to a state, as tensors named `prefix.field`.
    pub fn add_to(&self, state: &mut State, prefix: &str) {
        let name = |field: &str| format!("{prefix}.{field}");
        let method = Method::ALL.iter().position(|&m| m == self.method());
        state.insert_u8(&name("method"), &[1], vec![method.unwrap_or(0) as u8]);
        let (xs, ys) = match self {
            Calibration::None => (vec![], vec![]),
            Calibration::Platt { slope, offset } => (vec![*slope], vec![*offset]),
            Calibration::Isotonic { xs, ys } => (xs.clone(), ys.clone()),
            Calibration::Temperature { factor } => (vec![*factor], vec![]),
        };
        state.insert_f64(&name("xs"), &[xs.len()], xs);
        state.insert_f64(&name("ys"), &[ys.len()], ys);
    }

    /// Reads what [`Calibration::add_to`] wrote.
    ///
    /// # Errors
    /// If a tensor is missing, or the values are not a valid calibration: a slope or factor that is
    /// not positive, points that do not rise, probabilities outside 0 to 1.
    pub fn from_state(state: &State, prefix: &str) -> Result<Calibration, StateError> {
        let name = |field: &str| format!("{prefix}.{field}");
        let method = usize::from(state.u8s(&name("method"), &[Some(1)])?[0]);
        let method = Method::ALL.get(method).copied();
        let method = method.ok_or_else(|| StateError::invalid(&name("method"), "not known"))?;
        let (xs, ys) = match method {
            Method::None => (Some(0), Some(0)),
            Method::Platt => (Some(1), Some(1)),
            Method::Temperature => (Some(1), Some(0)),
            Method::Isotonic => (None, None),
        };
        let xs = state.f64s(&name("xs"), &[xs])?;
        let ys = state.f64s(&name("ys"), &[ys.or(Some(xs.len()))])?;
        let invalid = |field: &str, reason: &str| Err(StateError::invalid(&name(field), reason));
        match method {
            Method::None => Ok(Calibration::None),
            Method::Platt | Method::Temperature if xs[0] <= 0.0 => invalid("xs", "not positive"),
            Method::Platt => Ok(Calibration::Platt {
                slope: xs[0],
                offset: ys[0],
            }),
            Method::Temperature => Ok(Calibration::Temperature { factor: xs[0] }),
            Method::Isotonic if xs.is_empty() => invalid("xs", "no points"),
            Method::Isotonic if xs.windows(2).any(|w| w[0] >= w[1]) => {
                invalid("xs", "not ascending")
            }
            Method::Isotonic if ys.windows(2).any(|w| w[0] > w[1]) => invalid("ys", "falling"),
            Method::Isotonic if ys.iter().any(|y| !(0.0..=1.0).contains(y)) => {
                invalid("ys", "not between 0 and 1")
            }
            Method::Isotonic => Ok(Calibration::Isotonic {
                xs: xs.to_vec(),
                ys: ys.to_vec(),
            }),
        }
    }
}
