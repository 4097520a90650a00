//! A model as named tensors and string tables: what is saved, in the same form for every task.
//!
//! A model only implements the conversion to a [`State`] and back ([`Stateful`]); the artifact
//! layer turns states into files. Accessors check what an invalid file could get past the artifact
//! layer: presence, type, shape, finite values.

use std::collections::BTreeMap;

/// Values of one tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Double precision.
    F64(Vec<f64>),
    /// Single precision.
    F32(Vec<f32>),
    /// 64-bit integers.
    I64(Vec<i64>),
    /// 64-bit counts.
    U64(Vec<u64>),
    /// 32-bit counts.
    U32(Vec<u32>),
    /// 16-bit counts.
    U16(Vec<u16>),
    /// 8-bit integers.
    I8(Vec<i8>),
    /// Bytes.
    U8(Vec<u8>),
}

impl Values {
    /// The type's name in Rust.
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

    /// Index of the first value that is not finite.
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
    /// Values in row-major order.
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

/// Why a state is not a valid model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// An entry is missing.
    #[error("tensor `{name}` is missing")]
    Missing {
        /// The entry's name.
        name: String,
    },
    /// An entry has the wrong type.
    #[error("tensor `{name}` has type {got}, expected {expected}")]
    DataType {
        /// The entry's name.
        name: String,
        /// The type in the state.
        got: &'static str,
        /// The type that the model reads.
        expected: &'static str,
    },
    /// An entry has the wrong shape.
    #[error("tensor `{name}` has shape {got:?}, expected {}", shape_text(expected))]
    Shape {
        /// The entry's name.
        name: String,
        /// The shape in the state.
        got: Vec<usize>,
        /// The shape that the model reads; `None` for any length.
        expected: Vec<Option<usize>>,
    },
    /// A value is NaN or infinite.
    #[error("tensor `{name}` has a value that is not finite, at index {index}")]
    NotFinite {
        /// The entry's name.
        name: String,
        /// Index among the row-major values.
        index: usize,
    },
    /// The values contradict the model or each other.
    #[error("tensor `{name}`: {reason}")]
    Invalid {
        /// The entry's name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl StateError {
    /// An error for values of the entry `name` that contradict the model.
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

/// Conversion between a model and its state.
pub trait Stateful: Sized {
    /// Returns everything that [`Stateful::from_state`] needs to restore the model to the bit.
    fn to_state(&self) -> State;

    /// Restores a model.
    ///
    /// # Errors
    /// If something is missing, has the wrong type or shape, or is contradictory.
    fn from_state(state: &State) -> Result<Self, StateError>;

    /// Like [`Stateful::to_state`], consuming the model: a large one moves its values.
    fn into_state(self) -> State {
        self.to_state()
    }

    /// Like [`Stateful::from_state`], consuming the state.
    ///
    /// # Errors
    /// As for [`Stateful::from_state`].
    fn take_state(state: State) -> Result<Self, StateError> {
        Self::from_state(&state)
    }
}

impl State {
    /// The tensor `name`, with this shape (`None` for any length) and finite values.
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
    ///
    /// # Examples
    /// ```
    /// use easylife_models::state::State;
    ///
    /// let mut state = State::default();
    /// state.insert_strings("classes", vec!["neg".to_owned(), "pos".to_owned()]);
    /// assert_eq!(state.strings("classes").unwrap()[1], "pos");
    /// assert!(state.strings("items").unwrap_err().to_string().contains("`items`"));
    /// ```
    pub fn insert_strings(&mut self, name: &str, strings: Vec<String>) {
        self.strings.insert(name.to_owned(), strings);
    }

    /// Returns a string table.
    ///
    /// # Errors
    /// If it is missing.
    pub fn strings(&self, name: &str) -> Result<&[String], StateError> {
        let strings = self.strings.get(name).ok_or_else(|| missing(name))?;
        Ok(strings)
    }

    /// Like [`State::strings`], moved out.
    ///
    /// # Errors
    /// If it is missing.
    pub fn take_strings(&mut self, name: &str) -> Result<Vec<String>, StateError> {
        self.strings.remove(name).ok_or_else(|| missing(name))
    }
}

fn missing(name: &str) -> StateError {
    StateError::Missing {
        name: name.to_owned(),
    }
}

/// `insert_T`, `Ts` and `take_Ts` for each stored type.
macro_rules! accessors {
    ($($insert:ident, $get:ident, $take:ident, $variant:ident, $kind:ident;)*) => {
        impl State {
            $(
                #[doc = concat!("Adds a tensor of `", stringify!($kind), "`, row-major.")]
                pub fn $insert(&mut self, name: &str, shape: &[usize], values: Vec<$kind>) {
                    self.insert(name, shape, Values::$variant(values));
                }

                #[doc = concat!("The values of a tensor of `", stringify!($kind), "`; `None` in `shape` means any length.")]
                ///
                /// # Errors
                /// If it is missing, has another type or shape, or has a value that is not finite.
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
                /// As above; the tensor then stays.
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
            "tensor `counts` has type u32, expected f64"
        );
        assert_eq!(
            message(state.f64s("weights", &[None, Some(3)])),
            "tensor `weights` has shape [2, 2], expected [any, 3]"
        );
        assert_eq!(
            message(state.f64s("weights", &[None, None])),
            "tensor `weights` has a value that is not finite, at index 3"
        );
    }
}
