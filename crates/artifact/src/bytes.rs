//! Converts tensors and string tables to bytes and back, little-endian, with every length checked.

use std::borrow::Cow;
use std::io::{self, Write};

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use super::{Damage, width};
use models::state::{State, Tensor, Values};

const BYTES: &str = ".bytes";
const OFFSETS: &str = ".offsets";

/// Number of values converted to bytes at a time.
const PIECE: usize = 1 << 13;

/// A tensor to be written. Its values are converted to bytes piece by piece, so that a large model
/// is in memory only once.
pub(super) struct Outgoing {
    pub name: String,
    tensor: Tensor,
}

impl Outgoing {
    fn new(name: String, values: Values, shape: Vec<usize>) -> Self {
        let tensor = Tensor { shape, values };
        Self { name, tensor }
    }

    pub fn dtype(&self) -> Dtype {
        match self.tensor.values {
            Values::F64(_) => Dtype::F64,
            Values::F32(_) => Dtype::F32,
            Values::I64(_) => Dtype::I64,
            Values::U64(_) => Dtype::U64,
            Values::U32(_) => Dtype::U32,
            Values::U16(_) => Dtype::U16,
            Values::I8(_) => Dtype::I8,
            Values::U8(_) => Dtype::U8,
        }
    }

    pub fn shape(&self) -> &[usize] {
        &self.tensor.shape
    }

    /// Size of all its values in bytes.
    pub fn length(&self) -> usize {
        let count = match &self.tensor.values {
            Values::F64(values) => values.len(),
            Values::F32(values) => values.len(),
            Values::I64(values) => values.len(),
            Values::U64(values) => values.len(),
            Values::U32(values) => values.len(),
            Values::U16(values) => values.len(),
            Values::I8(values) => values.len(),
            Values::U8(values) => values.len(),
        };
        count * width(self.dtype())
    }

    /// Index of the first value that is not finite.
    pub fn not_finite(&self) -> Option<usize> {
        self.tensor.values.not_finite()
    }

    /// Writes its bytes to `out`, piece by piece.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut piece = Vec::new();
        macro_rules! pieces {
            ($values:expr) => {
                for values in $values.chunks(PIECE) {
                    piece.clear();
                    piece.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                    out.write_all(&piece)?;
                }
            };
        }
        match &self.tensor.values {
            Values::F64(values) => pieces!(values),
            Values::F32(values) => pieces!(values),
            Values::I64(values) => pieces!(values),
            Values::U64(values) => pieces!(values),
            Values::U32(values) => pieces!(values),
            Values::U16(values) => pieces!(values),
            Values::I8(values) => pieces!(values),
            Values::U8(values) => out.write_all(values)?,
        }
        Ok(())
    }
}

/// All tensors of a state, with each string table as two tensors, in the order safetensors lays
/// them out: widest types first, then by name.
pub(super) fn outgoing(state: State) -> Vec<Outgoing> {
    let mut all: Vec<Outgoing> = (state.tensors.into_iter())
        .map(|(name, Tensor { shape, values })| Outgoing::new(name, values, shape))
        .collect();
    for (name, strings) in state.strings {
        let mut bytes = Vec::new();
        let mut offsets = vec![0u64];
        for string in strings {
            bytes.extend_from_slice(string.as_bytes());
            offsets.push(bytes.len() as u64);
        }
        let lengths = [bytes.len(), offsets.len()].map(|length| vec![length]);
        let [bytes_shape, offsets_shape] = lengths;
        let (bytes, offsets) = (Values::U8(bytes), Values::U64(offsets));
        all.push(Outgoing::new(format!("{name}{BYTES}"), bytes, bytes_shape));
        all.push(Outgoing::new(
            format!("{name}{OFFSETS}"),
            offsets,
            offsets_shape,
        ));
    }
    all.sort_by(|a, b| b.dtype().cmp(&a.dtype()).then_with(|| a.name.cmp(&b.name)));
    all
}

/// Builds a state from the tensors of `file`, whose offsets safetensors has checked and which are
/// relative to `start`. Tensors are taken from the last to the first and their bytes freed, so that
/// a large model is not in memory twice.
pub(super) fn state(
    metadata: &Metadata,
    mut file: Cow<[u8]>,
    start: usize,
) -> Result<State, Damage> {
    let mut state = State::default();
    for name in metadata.offset_keys().into_iter().rev() {
        let Some(info) = metadata.info(&name) else {
            continue;
        };
        let tensor = tensor(&name, info, &file[start..])?;
        state.tensors.insert(name, tensor);
        if let Cow::Owned(bytes) = &mut file {
            bytes.truncate(start + info.data_offsets.0);
            bytes.shrink_to_fit();
        }
    }
    drop(file);
    let tables: Vec<String> = state
        .tensors
        .keys()
        .filter_map(|name| name.strip_suffix(OFFSETS))
        .filter(|name| state.tensors.contains_key(&format!("{name}{BYTES}")))
        .map(str::to_owned)
        .collect();
    for name in tables {
        let bytes = state.tensors.remove(&format!("{name}{BYTES}"));
        let offsets = state.tensors.remove(&format!("{name}{OFFSETS}"));
        let strings = match (bytes.map(|t| t.values), offsets.map(|t| t.values)) {
            (Some(Values::U8(bytes)), Some(Values::U64(offsets))) => strings(&bytes, &offsets),
            _ => Err("not bytes and offsets of a string table".to_owned()),
        };
        let strings = strings.map_err(|reason| Damage::Tensor {
            name: name.clone(),
            reason,
        })?;
        state.strings.insert(name, strings);
    }
    Ok(state)
}

fn tensor(name: &str, info: &TensorInfo, data: &[u8]) -> Result<Tensor, Damage> {
    let damage = |reason: String| Damage::Tensor {
        name: name.to_owned(),
        reason,
    };
    let (start, end) = info.data_offsets;
    let bytes = data
        .get(start..end)
        .ok_or_else(|| damage("its offsets are outside the file".to_owned()))?;
    macro_rules! values {
        ($kind:ty) => {
            bytes
                .chunks_exact(width(info.dtype))
                .filter_map(|chunk| Some(<$kind>::from_le_bytes(chunk.try_into().ok()?)))
                .collect()
        };
    }
    let values = match info.dtype {
        Dtype::F64 => Values::F64(finite(values!(f64), |v: &f64| v.is_finite()).map_err(damage)?),
        Dtype::F32 => Values::F32(finite(values!(f32), |v: &f32| v.is_finite()).map_err(damage)?),
        Dtype::I64 => Values::I64(values!(i64)),
        Dtype::U64 => Values::U64(values!(u64)),
        Dtype::U32 => Values::U32(values!(u32)),
        Dtype::U16 => Values::U16(values!(u16)),
        Dtype::I8 => Values::I8(values!(i8)),
        Dtype::U8 => Values::U8(bytes.to_vec()),
        other => return Err(damage(format!("unsupported value type {other:?}"))),
    };
    Ok(Tensor {
        shape: info.shape.clone(),
        values,
    })
}

fn finite<T>(values: Vec<T>, is_finite: impl Fn(&T) -> bool) -> Result<Vec<T>, String> {
    match values.iter().position(|value| !is_finite(value)) {
        Some(index) => Err(format!("the value at index {index} is not finite")),
        None => Ok(values),
    }
}

/// Splits `bytes` at `offsets`.
fn strings(bytes: &[u8], offsets: &[u64]) -> Result<Vec<String>, String> {
    let ends = (offsets.first(), offsets.last());
    if ends != (Some(&0), Some(&(bytes.len() as u64))) {
        return Err(format!("its offsets do not run from 0 to {}", bytes.len()));
    }
    std::iter::zip(offsets, &offsets[1..])
        .enumerate()
        .map(|(index, (&start, &end))| {
            // The last offset equals the length, so ascending offsets are all in bounds.
            bytes
                .get(start as usize..end as usize)
                .ok_or_else(|| format!("the offset at index {} is out of order", index + 1))
                .and_then(|text| {
                    let text = std::str::from_utf8(text);
                    text.map_err(|_| format!("string {index} is not UTF-8"))
                })
                .map(str::to_owned)
        })
        .collect()
}
