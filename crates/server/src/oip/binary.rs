//! Values as bytes, as the binary extension has them: numbers in little-endian order, booleans as one
//! byte, byte strings each behind its length in four bytes.

use crate::tensor::{Data, Datatype, Strings};

/// The bytes of a value, for types of a fixed width.
fn width(datatype: Datatype) -> Option<usize> {
    match datatype {
        Datatype::Bool => Some(1),
        Datatype::Int32 | Datatype::Fp32 => Some(4),
        Datatype::Int64 | Datatype::Fp64 => Some(8),
        Datatype::Bytes => None,
    }
}

/// Reads `count` values.
///
/// # Errors
/// Bytes that are not exactly `count` values of the type, with the reason.
pub fn decode(datatype: Datatype, count: usize, bytes: &[u8]) -> Result<Data, String> {
    if let Some(width) = width(datatype) {
        let expected = count.checked_mul(width);
        if expected != Some(bytes.len()) {
            return Err(format!(
                "{} bytes of binary data cannot hold {count} values of {}",
                bytes.len(),
                datatype.name()
            ));
        }
    }
    Ok(match datatype {
        Datatype::Bool => Data::Bool(booleans(bytes)?),
        Datatype::Int32 => Data::Int32(numbers(bytes, i32::from_le_bytes)),
        Datatype::Int64 => Data::Int64(numbers(bytes, i64::from_le_bytes)),
        Datatype::Fp32 => Data::Fp32(numbers(bytes, f32::from_le_bytes)),
        Datatype::Fp64 => Data::Fp64(numbers(bytes, f64::from_le_bytes)),
        Datatype::Bytes => Data::Bytes(strings(count, bytes)?),
    })
}

fn numbers<const N: usize, T>(bytes: &[u8], read: fn([u8; N]) -> T) -> Vec<T> {
    bytes
        .as_chunks::<N>()
        .0
        .iter()
        .map(|raw| read(*raw))
        .collect()
}

fn booleans(bytes: &[u8]) -> Result<Vec<bool>, String> {
    let boolean = |&byte: &u8| match byte {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(format!("invalid BOOL byte {other}; expected 0 or 1")),
    };
    bytes.iter().map(boolean).collect()
}

fn strings(count: usize, mut bytes: &[u8]) -> Result<Strings, String> {
    let mut strings = Strings::default();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        let Some((value, rest)) = rest.split_at_checked(length) else {
            return Err(format!(
                "element {} of BYTES has a length of {length}, but {} bytes are left",
                strings.len(),
                rest.len()
            ));
        };
        strings.push(value);
        bytes = rest;
    }
    if !bytes.is_empty() {
        return Err(format!(
            "{} bytes follow the last element of BYTES",
            bytes.len()
        ));
    }
    if strings.len() != count {
        return Err(format!(
            "the binary data hold {} elements of BYTES; the shape says {count}",
            strings.len()
        ));
    }
    Ok(strings)
}

/// How many bytes [`encode`] appends.
pub fn encoded_len(data: &Data) -> usize {
    match data {
        Data::Bytes(strings) => strings.total_bytes() + 4 * strings.len(),
        other => other.len() * width(other.datatype()).unwrap_or(0),
    }
}

/// Appends the values to `out`.
pub fn encode(data: &Data, out: &mut Vec<u8>) {
    out.reserve(encoded_len(data));
    match data {
        Data::Bool(values) => out.extend(values.iter().map(|&value| u8::from(value))),
        Data::Int32(values) => out.extend(values.iter().flat_map(|value| value.to_le_bytes())),
        Data::Int64(values) => out.extend(values.iter().flat_map(|value| value.to_le_bytes())),
        Data::Fp32(values) => out.extend(values.iter().flat_map(|value| value.to_le_bytes())),
        Data::Fp64(values) => out.extend(values.iter().flat_map(|value| value.to_le_bytes())),
        Data::Bytes(strings) => {
            for value in strings.iter() {
                // A body is far below four gigabytes, by the limits.
                out.extend((value.len() as u32).to_le_bytes());
                out.extend_from_slice(value);
            }
        }
    }
}
