//! Tensors and string tables to bytes and back, little-endian, every length checked.

use std::borrow::Cow;
use std::collections::BTreeMap;

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo, View};

use super::{Damage, width};
use crate::models::state::{State, Tensor, Values};

const BYTES: &str = ".bytes";
const OFFSETS: &str = ".offsets";

/// A tensor as safetensors writes it.
pub(super) struct Raw {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl View for &Raw {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// All of a state as tensors, string tables as two each. What has become bytes is let go of: a model of
/// many series is large.
pub(super) fn tensors(state: State) -> BTreeMap<String, Raw> {
    let mut all: BTreeMap<String, Raw> = (state.tensors.into_iter())
        .map(|(name, tensor)| (name, raw(&tensor)))
        .collect();
    for (name, strings) in state.strings {
        let mut bytes = Vec::new();
        let mut offsets = vec![0u64];
        for string in strings {
            bytes.extend_from_slice(string.as_bytes());
            offsets.push(bytes.len() as u64);
        }
        let table = |values: Values, length| {
            raw(&Tensor {
                shape: vec![length],
                values,
            })
        };
        let (bytes_length, offsets_length) = (bytes.len(), offsets.len());
        all.insert(
            format!("{name}{BYTES}"),
            table(Values::U8(bytes), bytes_length),
        );
        all.insert(
            format!("{name}{OFFSETS}"),
            table(Values::U64(offsets), offsets_length),
        );
    }
    all
}

fn raw(tensor: &Tensor) -> Raw {
    macro_rules! bytes {
        ($values:expr) => {
            $values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect()
        };
    }
    let (dtype, bytes) = match &tensor.values {
        Values::F64(values) => (Dtype::F64, bytes!(values)),
        Values::F32(values) => (Dtype::F32, bytes!(values)),
        Values::I64(values) => (Dtype::I64, bytes!(values)),
        Values::U64(values) => (Dtype::U64, bytes!(values)),
        Values::U32(values) => (Dtype::U32, bytes!(values)),
        Values::U16(values) => (Dtype::U16, bytes!(values)),
        Values::I8(values) => (Dtype::I8, bytes!(values)),
        Values::U8(values) => (Dtype::U8, values.clone()),
    };
    Raw {
        dtype,
        shape: tensor.shape.clone(),
        bytes,
    }
}

/// A state out of tensors whose offsets safetensors has checked against `data`.
pub(super) fn state(metadata: &Metadata, data: &[u8]) -> Result<State, Damage> {
    let mut state = State::default();
    for (name, info) in metadata.tensors() {
        let tensor = tensor(&name, info, data)?;
        state.tensors.insert(name, tensor);
    }
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
        .ok_or_else(|| damage("its offsets lie outside the file".to_owned()))?;
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
        other => return Err(damage(format!("values of type {other:?} are not used"))),
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

/// Cuts `bytes` at `offsets`.
fn strings(bytes: &[u8], offsets: &[u64]) -> Result<Vec<String>, String> {
    let ends = (offsets.first(), offsets.last());
    if ends != (Some(&0), Some(&(bytes.len() as u64))) {
        return Err(format!("its offsets do not run from 0 to {}", bytes.len()));
    }
    std::iter::zip(offsets, &offsets[1..])
        .enumerate()
        .map(|(index, (&start, &end))| {
            // The last offset is the length, so growing ones all lie inside.
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
