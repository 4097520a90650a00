//! Tensors in memory: a name, a shape, and a typed column of values whose bits are kept.

/// Types of values that tensors hold, named as the Open Inference Protocol names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Datatype {
    /// `BOOL`
    Bool,
    /// `INT32`
    Int32,
    /// `INT64`
    Int64,
    /// `FP32`
    Fp32,
    /// `FP64`
    Fp64,
    /// `BYTES`: strings, or any bytes
    Bytes,
}

impl Datatype {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Bool,
        Self::Int32,
        Self::Int64,
        Self::Fp32,
        Self::Fp64,
        Self::Bytes,
    ];

    /// The protocol's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "BOOL",
            Self::Int32 => "INT32",
            Self::Int64 => "INT64",
            Self::Fp32 => "FP32",
            Self::Fp64 => "FP64",
            Self::Bytes => "BYTES",
        }
    }

    /// The type of this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// Byte strings in one buffer: two allocations, however many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strings {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Strings {
    /// Adds one at the end.
    pub fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of all of them together.
    pub fn total_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The one at this position.
    pub fn get(&self, position: usize) -> Option<&[u8]> {
        let end = *self.ends.get(position)?;
        let start = match position.checked_sub(1) {
            Some(previous) => self.ends[previous],
            None => 0,
        };
        Some(&self.bytes[start..end])
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.bytes[start..end])
    }
}

impl<T: AsRef<[u8]>> FromIterator<T> for Strings {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut strings = Self::default();
        for value in values {
            strings.push(value.as_ref());
        }
        strings
    }
}

/// The values of a tensor, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// `BOOL`
    Bool(Vec<bool>),
    /// `INT32`
    Int32(Vec<i32>),
    /// `INT64`
    Int64(Vec<i64>),
    /// `FP32`
    Fp32(Vec<f32>),
    /// `FP64`
    Fp64(Vec<f64>),
    /// `BYTES`
    Bytes(Strings),
}

impl Data {
    /// The type of the values.
    pub fn datatype(&self) -> Datatype {
        match self {
            Self::Bool(_) => Datatype::Bool,
            Self::Int32(_) => Datatype::Int32,
            Self::Int64(_) => Datatype::Int64,
            Self::Fp32(_) => Datatype::Fp32,
            Self::Fp64(_) => Datatype::Fp64,
            Self::Bytes(_) => Datatype::Bytes,
        }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Bool(values) => values.len(),
            Self::Int32(values) => values.len(),
            Self::Int64(values) => values.len(),
            Self::Fp32(values) => values.len(),
            Self::Fp64(values) => values.len(),
            Self::Bytes(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A named tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The name in the model's signature.
    pub name: String,
    /// The extent of each dimension; the first one counts rows.
    pub shape: Vec<usize>,
    /// As many values as the shape says.
    pub data: Data,
}

impl Tensor {
    /// A tensor of one dimension.
    pub fn column(name: impl Into<String>, data: Data) -> Self {
        Self {
            name: name.into(),
            shape: vec![data.len()],
            data,
        }
    }

    /// The values, if they are byte strings.
    pub fn strings(&self) -> Option<&Strings> {
        match &self.data {
            Data::Bytes(strings) => Some(strings),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_by_position_and_in_order() {
        let strings: Strings = ["one", "", "three"].into_iter().collect();
        assert_eq!(strings.get(0), Some(&b"one"[..]));
        assert_eq!(strings.get(1), Some(&b""[..]));
        assert_eq!(strings.get(3), None);
        assert_eq!(strings.iter().last(), Some(&b"three"[..]));
    }

    #[test]
    fn names_of_types_read_back() {
        for datatype in Datatype::ALL {
            assert_eq!(Datatype::from_name(datatype.name()), Some(datatype));
        }
    }
}
