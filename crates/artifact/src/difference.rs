//! Finds where two safetensors files start to differ: a header entry, a tensor, or a value in a
//! tensor.

use safetensors::{Dtype, SafeTensors};

/// Describes the first difference; `None` if one of the two is not a safetensors file.
///
/// Tensors in the order of their offsets, then metadata entries: the first of them that differs, with
/// both values where it is a value. `None` as well if nothing differs.
pub fn first(was: &[u8], is: &[u8]) -> Option<String> {
    let (_, was_head) = SafeTensors::read_metadata(was).ok()?;
    let (_, is_head) = SafeTensors::read_metadata(is).ok()?;
    let (was, is) = (
        SafeTensors::deserialize(was).ok()?,
        SafeTensors::deserialize(is).ok()?,
    );
    let mut names = was_head.offset_keys();
    for name in is_head.offset_keys() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in names {
        let (a, b) = match (was.tensor(&name), is.tensor(&name)) {
            (Ok(a), Ok(b)) => (a, b),
            (Ok(_), Err(_)) => return Some(format!("the tensor `{name}` is gone")),
            _ => return Some(format!("the tensor `{name}` is new")),
        };
        if a.dtype() != b.dtype() || a.shape() != b.shape() {
            let described =
                |t: &safetensors::tensor::TensorView| format!("{:?} {:?}", t.dtype(), t.shape());
            return Some(format!(
                "tensor `{name}`: was {}, is {}",
                described(&a),
                described(&b)
            ));
        }
        if let Some(at) = a.data().iter().zip(b.data()).position(|(a, b)| a != b) {
            return Some(value(&name, &a, &b, at));
        }
    }
    let entry = |head: &safetensors::tensor::Metadata| head.metadata().clone().unwrap_or_default();
    let (was, is) = (entry(&was_head), entry(&is_head));
    let mut keys: Vec<&String> = was.keys().chain(is.keys()).collect();
    keys.sort();
    let key = keys.into_iter().find(|key| was.get(*key) != is.get(*key))?;
    Some(format!(
        "the tensors are the same, the header's `{key}` is not"
    ))
}

/// The value that byte `at` belongs to.
fn value(
    name: &str,
    was: &safetensors::tensor::TensorView,
    is: &safetensors::tensor::TensorView,
    at: usize,
) -> String {
    let width = (was.dtype().bitsize() / 8).max(1);
    let i = at / width;
    let shape = was.shape();
    let mut rest = i;
    let mut index: Vec<String> = Vec::new();
    for &length in shape.iter().rev() {
        index.insert(0, (rest % length.max(1)).to_string());
        rest /= length.max(1);
    }
    let shown = |data: &[u8]| spelled(was.dtype(), &data[i * width..(i + 1) * width]);
    let index = index.join(", ");
    let (was, is) = (shown(was.data()), shown(is.data()));
    format!("tensor `{name}`[{index}]: was {was}, is {is}")
}

fn spelled(dtype: Dtype, bytes: &[u8]) -> String {
    let number = |bytes: &[u8]| -> Option<String> {
        Some(match dtype {
            Dtype::F64 => f64::from_le_bytes(bytes.try_into().ok()?).to_string(),
            Dtype::F32 => f32::from_le_bytes(bytes.try_into().ok()?).to_string(),
            Dtype::I64 => i64::from_le_bytes(bytes.try_into().ok()?).to_string(),
            Dtype::U64 => u64::from_le_bytes(bytes.try_into().ok()?).to_string(),
            Dtype::I32 => i32::from_le_bytes(bytes.try_into().ok()?).to_string(),
            Dtype::U32 => u32::from_le_bytes(bytes.try_into().ok()?).to_string(),
            Dtype::I16 => i16::from_le_bytes(bytes.try_into().ok()?).to_string(),
            Dtype::U16 => u16::from_le_bytes(bytes.try_into().ok()?).to_string(),
            Dtype::U8 => bytes.first()?.to_string(),
            Dtype::I8 => i8::from_le_bytes(bytes.try_into().ok()?).to_string(),
            _ => return None,
        })
    };
    number(bytes).unwrap_or_else(|| format!("the bytes {bytes:02x?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::TensorView;

    fn file(values: &[f32], note: &str) -> Vec<u8> {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let view = TensorView::new(Dtype::F32, vec![2, values.len() / 2], &bytes).unwrap();
        let head = [("note".to_owned(), note.to_owned())].into();
        safetensors::serialize([("w", view)], Some(head)).unwrap()
    }

    #[test]
    fn the_tensor_and_the_place_in_it_are_named() {
        let was = file(&[1.0, 2.0, 3.0, 4.0], "a");
        let described = |values: &[f32], note| first(&was, &file(values, note)).unwrap();
        assert_eq!(
            described(&[1.0, 2.0, 3.5, 4.0], "a"),
            "tensor `w`[1, 0]: was 3, is 3.5"
        );
        assert_eq!(
            described(&[1.0, 2.0], "a"),
            "tensor `w`: was F32 [2, 2], is F32 [2, 1]"
        );
        assert_eq!(
            described(&[1.0, 2.0, 3.0, 4.0], "b"),
            "the tensors are the same, the header's `note` is not"
        );
        assert_eq!(first(&was, b"no safetensors"), None);
    }
}
