//! A model as named tensors and string tables: what is saved, the same for every task.
//!
//! A model implements only the way to a [`State`] and back ([`Stateful`]); the
//! artifact layer turns states into files. Accessors check what a hostile or wrong file could get
//! past the artifact layer: presence, type, shape, finite values.

use std::collections::BTreeMap;

/// Values of one tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Double precision.
    F64(Vec<f64>),
    /// Single precision.
    F32(Vec<f32>),
    /// Whole numbers of 64 bits.
    I64(Vec<i64>),
    /// Counts of 64 bits.
    U64(Vec<u64>),
    /// Counts of 32 bits.
    U32(Vec<u32>),
    /// Counts of 16 bits.
    U16(Vec<u16>),
    /// Whole numbers of 8 bits.
    I8(Vec<i8>),
    /// Bytes.
    U8(Vec<u8>),
}

impl Values {
    /// The type's name, as Rust spells it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Values::F64(_) => "f64",
            Values::F32(_) => "f32",
            Values::I64(_) => "i64",
            Values::U64(_) => "u64",
            Values::U32(_) => "u32",
            Values::U16(_) => "u16",
            Values::I8(_) => "i8",
            Values::U8(_) => "u8",
        }
    }

    /// The first value that is not finite.
    pub fn not_finite(&self) -> Option<usize> {
        match self {
            Values::F64(values) => values.iter().position(|value| !value.is_finite()),
            Values::F32(values) => values.iter().position(|value| !value.is_finite()),
            _ => None,
        }
    }
}

/// Row-major values and their shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Length of each dimension; their product is the number of values.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Values,
}

/// A model as named tensors and string tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Numeric entries by name.
    pub tensors: BTreeMap<String, Tensor>,
    /// String tables by name.
    pub strings: BTreeMap<String, Vec<String>>,
}

/// Why a state is no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// No entry of this name.
    #[error("tensor `{name}` is missing")]
    Missing {
        /// Of the entry.
        name: String,
    },
    /// An entry of another type.
    #[error("tensor `{name}` holds {got}, expected {expected}")]
    DataType {
        /// Of the entry.
        name: String,
        /// Type in the state.
        got: &'static str,
        /// Type that the model reads.
        expected: &'static str,
    },
    /// An entry of another shape.
    #[error("tensor `{name}` has shape {got:?}, expected {}", shape_text(expected))]
    Shape {
        /// Of the entry.
        name: String,
        /// Shape in the state.
        got: Vec<usize>,
        /// Shape that the model reads; `None`: any length.
        expected: Vec<Option<usize>>,
    },
    /// A NaN or an infinity.
    #[error("tensor `{name}` holds a value that is not finite, at index {index}")]
    NotFinite {
        /// Of the entry.
        name: String,
        /// Place among the row-major values.
        index: usize,
    },
    /// Values that contradict the model or each other.
    #[error("tensor `{name}`: {reason}")]
    Invalid {
        /// Of the entry.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl StateError {
    /// An entry `name` whose values contradict the model, and why.
    pub fn invalid(name: &str, reason: impl Into<String>) -> Self {
        StateError::Invalid {
            name: name.to_owned(),
            reason: reason.into(),
        }
    }
}

fn shape_text(shape: &[Option<usize>]) -> String {
    let lengths: Vec<String> = shape
        .iter()
        .map(|length| length.map_or_else(|| "any".to_owned(), |length| length.to_string()))
        .collect();
    format!("[{}]", lengths.join(", "))
}

/// What every model is to the artifact layer.
pub trait Stateful: Sized {
    /// Everything that [`Stateful::from_state`] needs to give the same answers to the bit.
    fn to_state(&self) -> State;

    /// # Errors
    /// When the state is not one of this model: something is missing, mis-shaped or contradictory.
    fn from_state(state: &State) -> Result<Self, StateError>;

    /// As [`Stateful::to_state`], of a model that is done with: a large one moves what it holds.
    fn into_state(self) -> State {
        self.to_state()
    }

    /// As [`Stateful::from_state`], out of a state that is done with.
    ///
    /// # Errors
    /// As there.
    fn take_state(state: State) -> Result<Self, StateError> {
        Self::from_state(&state)
    }
}

impl State {
    /// The tensor `name`, of this shape (`None`: any length) and with finite values.
    fn tensor(&self, name: &str, shape: &[Option<usize>]) -> Result<&Values, StateError> {
        let tensor = self.tensors.get(name).ok_or_else(|| missing(name))?;
        let fits = tensor.shape.len() == shape.len()
            && std::iter::zip(&tensor.shape, shape)
                .all(|(got, want)| want.is_none_or(|w| w == *got));
        if !fits {
            return Err(StateError::Shape {
                name: name.to_owned(),
                got: tensor.shape.clone(),
                expected: shape.to_vec(),
            });
        }
        match tensor.values.not_finite() {
            Some(index) => Err(StateError::NotFinite {
                name: name.to_owned(),
                index,
            }),
            None => Ok(&tensor.values),
        }
    }

    fn insert(&mut self, name: &str, shape: &[usize], values: Values) {
        let shape = shape.to_vec();
        self.tensors
            .insert(name.to_owned(), Tensor { shape, values });
    }

    /// Adds a string table.
    pub fn insert_strings(&mut self, name: &str, strings: Vec<String>) {
        self.strings.insert(name.to_owned(), strings);
    }

    /// A string table.
    ///
    /// # Errors
    /// Where it is missing.
    pub fn strings(&self, name: &str) -> Result<&[String], StateError> {
        let strings = self.strings.get(name).ok_or_else(|| missing(name))?;
        Ok(strings)
    }

    /// As [`State::strings`], moved out.
    ///
    /// # Errors
    /// Where it is missing.
    pub fn take_strings(&mut self, name: &str) -> Result<Vec<String>, StateError> {
        self.strings.remove(name).ok_or_else(|| missing(name))
    }
}

fn missing(name: &str) -> StateError {
    StateError::Missing {
        name: name.to_owned(),
    }
}

/// `insert_T`, `Ts` and `take_Ts` for each type that models store.
macro_rules! accessors {
    ($($insert:ident, $get:ident, $take:ident, $variant:ident, $kind:ident;)*) => {
        impl State {
            $(
                #[doc = concat!("Adds a tensor of `", stringify!($kind), "`, row-major.")]
                pub fn $insert(&mut self, name: &str, shape: &[usize], values: Vec<$kind>) {
                    self.insert(name, shape, Values::$variant(values));
                }

                #[doc = concat!("The values of a tensor of `", stringify!($kind), "`; `None` in `shape`: any length.")]
                ///
                /// # Errors
                /// Where it is missing, of another type or shape, or holds a value that is not finite.
                pub fn $get(&self, name: &str, shape: &[Option<usize>]) -> Result<&[$kind], StateError> {
                    match self.tensor(name, shape)? {
                        Values::$variant(values) => Ok(values),
                        other => Err(StateError::DataType {
                            name: name.to_owned(),
                            got: other.type_name(),
                            expected: stringify!($kind),
                        }),
                    }
                }

                #[doc = concat!("As [`State::", stringify!($get), "`], moved out.")]
                ///
                /// # Errors
                /// As there; the tensor then stays.
                pub fn $take(&mut self, name: &str, shape: &[Option<usize>]) -> Result<Vec<$kind>, StateError> {
                    self.$get(name, shape)?;
                    match self.tensors.remove(name).map(|tensor| tensor.values) {
                        Some(Values::$variant(values)) => Ok(values),
                        _ => Err(missing(name)),
                    }
                }
            )*
        }
    };
}

accessors! {
    insert_f64, f64s, take_f64s, F64, f64;
    insert_f32, f32s, take_f32s, F32, f32;
    insert_i64, i64s, take_i64s, I64, i64;
    insert_u64, u64s, take_u64s, U64, u64;
    insert_u32, u32s, take_u32s, U32, u32;
    insert_u16, u16s, take_u16s, U16, u16;
    insert_i8, i8s, take_i8s, I8, i8;
    insert_u8, u8s, take_u8s, U8, u8;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        let mut state = State::default();
        state.insert_f64("weights", &[2, 2], vec![1.0, 2.0, 3.0, f64::NAN]);
        state.insert_u32("counts", &[3], vec![1, 2, 3]);
        state
    }

    #[test]
    fn accessors_say_what_is_wrong() {
        let state = state();
        assert_eq!(state.u32s("counts", &[None]).unwrap(), [1, 2, 3]);
        let message = |result: Result<&[f64], StateError>| result.unwrap_err().to_string();
        assert_eq!(
            message(state.f64s("bias", &[None])),
            "tensor `bias` is missing"
        );
        assert_eq!(
            message(state.f64s("counts", &[Some(3)])),
            "tensor `counts` holds u32, expected f64"
        );
        assert_eq!(
            message(state.f64s("weights", &[None, Some(3)])),
            "tensor `weights` has shape [2, 2], expected [any, 3]"
        );
        assert_eq!(
            message(state.f64s("weights", &[None, None])),
            "tensor `weights` holds a value that is not finite, at index 3"
        );
    }
}
