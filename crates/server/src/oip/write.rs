//! An answer into a response's body: JSON, and binary data behind it where they are wanted. Numbers are
//! printed in the shortest form that reads back the same.

use serde::Serialize;

use super::binary;
use super::read::ParsedRequest;
use crate::fault::Fault;
use crate::model::{InferResponse, Metadata};
use crate::tensor::{Data, Tensor};

/// A response's body.
#[derive(Debug)]
pub struct EncodedResponse {
    /// JSON, then binary data.
    pub body: Vec<u8>,
    /// How many bytes are JSON, if binary data follow.
    pub json_length: Option<usize>,
}

/// Writes an answer.
///
/// # Errors
/// An output that the model did not give, or whose bytes cannot be written as JSON.
pub fn write(
    name: &str,
    version: &str,
    metadata: &Metadata,
    asked: &ParsedRequest,
    answer: &InferResponse,
) -> Result<EncodedResponse, Fault> {
    let chosen = chosen(metadata, asked, answer)?;
    let mut body =
        Vec::with_capacity(256 + 32 * chosen.iter().map(|(t, _)| t.data.len()).sum::<usize>());
    body.extend_from_slice(b"{\"model_name\":");
    json(name, &mut body);
    body.extend_from_slice(b",\"model_version\":");
    json(version, &mut body);
    if let Some(id) = &asked.request.id {
        body.extend_from_slice(b",\"id\":");
        json(id, &mut body);
    }
    body.extend_from_slice(b",\"outputs\":[");
    for (position, (tensor, is_binary)) in chosen.iter().enumerate() {
        if position > 0 {
            body.push(b',');
        }
        output(tensor, *is_binary, &mut body)?;
    }
    body.extend_from_slice(b"]}");
    let mut json_length = None;
    for (tensor, _) in chosen.iter().filter(|(_, is_binary)| *is_binary) {
        json_length.get_or_insert(body.len());
        binary::encode(&tensor.data, &mut body);
    }
    Ok(EncodedResponse { body, json_length })
}

/// The outputs that are wanted, and whether each is binary.
fn chosen<'a>(
    metadata: &Metadata,
    asked: &ParsedRequest,
    answer: &'a InferResponse,
) -> Result<Vec<(&'a Tensor, bool)>, Fault> {
    let Some(wanted) = &asked.outputs else {
        let all = answer
            .outputs
            .iter()
            .map(|tensor| (tensor, asked.is_binary));
        return Ok(all.collect());
    };
    let find = |wanted: &super::RequestedOutput| {
        let name = &metadata.outputs[wanted.position].name;
        let tensor = answer.outputs.iter().find(|tensor| tensor.name == *name);
        // A model may have outputs that not every request has.
        let tensor = tensor.ok_or_else(|| {
            Fault::invalid(format!("the answer to this request has no output `{name}`"))
        })?;
        Ok((tensor, wanted.is_binary.unwrap_or(asked.is_binary)))
    };
    wanted.iter().map(find).collect()
}

/// Writing to memory does not fail.
fn json<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, value);
}

fn output(tensor: &Tensor, is_binary: bool, out: &mut Vec<u8>) -> Result<(), Fault> {
    out.extend_from_slice(b"{\"name\":");
    json(&tensor.name, out);
    out.extend_from_slice(b",\"datatype\":\"");
    out.extend_from_slice(tensor.data.datatype().name().as_bytes());
    out.extend_from_slice(b"\",\"shape\":");
    json(&tensor.shape, out);
    if is_binary {
        out.extend_from_slice(b",\"parameters\":{\"binary_data_size\":");
        json(&binary::encoded_len(&tensor.data), out);
        out.extend_from_slice(b"}}");
        return Ok(());
    }
    out.extend_from_slice(b",\"data\":");
    match &tensor.data {
        Data::Bool(values) => json(values, out),
        Data::Int32(values) => json(values, out),
        Data::Int64(values) => json(values, out),
        // JSON has no NaN: serde_json writes null, which numpy reads as NaN again.
        Data::Fp32(values) => json(values, out),
        Data::Fp64(values) => json(values, out),
        Data::Bytes(values) => texts(&tensor.name, values, out)?,
    }
    out.push(b'}');
    Ok(())
}

fn texts(name: &str, values: &crate::tensor::Strings, out: &mut Vec<u8>) -> Result<(), Fault> {
    out.push(b'[');
    for (position, value) in values.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        let text = std::str::from_utf8(value).map_err(|_| {
            Fault::invalid(format!(
                "output `{name}` is not UTF-8; ask for it with `binary_data`"
            ))
        })?;
        json(text, out);
    }
    out.push(b']');
    Ok(())
}
