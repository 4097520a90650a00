//! An inference request's body into an [`InferRequest`] that fits a model's signature.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{binary, values};
use crate::fault::Fault;
use crate::model::{InferRequest, Metadata, TensorSpec};
use crate::tensor::{Data, Tensor};

/// Dimensions that a tensor may have.
const RANK: usize = 8;

/// A request, and how its answer is wanted.
#[derive(Debug)]
pub struct ParsedRequest {
    /// The request.
    pub request: InferRequest,
    /// The outputs by name; all of them where none is named.
    pub outputs: Option<Vec<RequestedOutput>>,
    /// Whether outputs are binary, where an output does not say it.
    pub is_binary: bool,
    /// How long the client waits, in microseconds.
    pub timeout_micros: Option<u64>,
}

/// An output that is wanted.
#[derive(Debug)]
pub struct RequestedOutput {
    /// The position in the model's signature.
    pub position: usize,
    /// Whether it is wanted as binary data, if the request says so.
    pub is_binary: Option<bool>,
}

#[derive(Deserialize)]
struct Body<'a> {
    id: Option<String>,
    #[serde(default)]
    parameters: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(borrow)]
    inputs: Vec<Input<'a>>,
    #[serde(default)]
    outputs: Option<Vec<Output>>,
}

#[derive(Deserialize)]
struct Input<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    shape: Vec<u64>,
    #[serde(borrow)]
    datatype: Cow<'a, str>,
    #[serde(default)]
    parameters: Option<InputParameters>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct InputParameters {
    binary_data_size: Option<usize>,
    shared_memory_region: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Output {
    name: String,
    #[serde(default)]
    parameters: Option<OutputParameters>,
}

#[derive(Deserialize)]
struct OutputParameters {
    binary_data: Option<bool>,
    classification: Option<IgnoredAny>,
    shared_memory_region: Option<IgnoredAny>,
}

/// Reads a body whose first `header_length` bytes are JSON, or all of it where there is no length.
///
/// # Errors
/// A body that is broken or does not fit the signature.
pub fn read(
    body: &[u8],
    header_length: Option<usize>,
    metadata: &Metadata,
) -> Result<ParsedRequest, Fault> {
    let length = header_length.unwrap_or(body.len());
    let Some((json, mut raw)) = body.split_at_checked(length) else {
        return Err(Fault::invalid(format!(
            "Inference-Header-Content-Length is {length}, but the body has {} bytes",
            body.len()
        )));
    };
    // serde would take an array for a struct, field by field.
    if json.trim_ascii_start().first() == Some(&b'[') {
        return Err(Fault::invalid(
            "the body is not an inference request: expected an object",
        ));
    }
    let read: Body<'_> = serde_json::from_slice(json).map_err(|error| {
        Fault::invalid(format!("the body is not an inference request: {error}"))
    })?;
    let mut inputs: Vec<Tensor> = Vec::with_capacity(read.inputs.len().min(metadata.inputs.len()));
    for input in read.inputs {
        let tensor = tensor(&input, &mut raw, metadata)?;
        if inputs.iter().any(|known| known.name == tensor.name) {
            return Err(Fault::invalid(format!(
                "input `{}` is given twice",
                tensor.name
            )));
        }
        inputs.push(tensor);
    }
    if !raw.is_empty() {
        let left = raw.len();
        return Err(Fault::invalid(format!(
            "{left} bytes are left after the last input"
        )));
    }
    for spec in metadata.inputs.iter().filter(|spec| !spec.optional) {
        if !inputs.iter().any(|input| input.name == spec.name) {
            return Err(Fault::missing(format!("input `{}` is missing", spec.name)));
        }
    }
    let mut parameters = read.parameters.unwrap_or_default();
    let outputs: Option<Vec<RequestedOutput>> = read
        .outputs
        .filter(|outputs| !outputs.is_empty())
        .map(|outputs| {
            let outputs = outputs.iter();
            outputs.map(|output| wanted(output, metadata)).collect()
        })
        .transpose()?;
    for (place, output) in outputs.iter().flatten().enumerate() {
        let before = outputs.iter().flatten().take(place);
        if before
            .map(|known| known.position)
            .any(|known| known == output.position)
        {
            let name = &metadata.outputs[output.position].name;
            return Err(Fault::invalid(format!(
                "output `{name}` is asked for twice"
            )));
        }
    }
    let name = |output: &RequestedOutput| metadata.outputs[output.position].name.clone();
    let names = outputs.iter().flatten().map(name).collect();
    Ok(ParsedRequest {
        outputs,
        is_binary: flag(&mut parameters, "binary_data_output")?,
        timeout_micros: micros(&mut parameters)?,
        request: InferRequest {
            id: read.id,
            parameters,
            inputs,
            outputs: names,
        },
    })
}

fn flag(
    parameters: &mut serde_json::Map<String, serde_json::Value>,
    name: &str,
) -> Result<bool, Fault> {
    match parameters.remove(name) {
        None => Ok(false),
        Some(serde_json::Value::Bool(value)) => Ok(value),
        Some(_) => Err(Fault::invalid(format!(
            "parameter `{name}` must be true or false"
        ))),
    }
}

fn micros(
    parameters: &mut serde_json::Map<String, serde_json::Value>,
) -> Result<Option<u64>, Fault> {
    match parameters.remove("timeout") {
        None => Ok(None),
        Some(value) => match value.as_u64() {
            Some(micros) => Ok(Some(micros)),
            None => Err(Fault::invalid(
                "parameter `timeout` must be a whole number of microseconds",
            )),
        },
    }
}

/// The names of a signature, for messages.
fn names(specs: &[TensorSpec]) -> String {
    let quoted: Vec<String> = specs
        .iter()
        .map(|spec| format!("`{}`", spec.name))
        .collect();
    quoted.join(", ")
}

fn wanted(output: &Output, metadata: &Metadata) -> Result<RequestedOutput, Fault> {
    let position = metadata
        .outputs
        .iter()
        .position(|spec| spec.name == output.name);
    let Some(position) = position else {
        let known = names(&metadata.outputs);
        return Err(Fault::invalid(format!(
            "unknown output `{}`; expected one of {known}",
            output.name
        )));
    };
    let parameters = output.parameters.as_ref();
    if parameters.is_some_and(|p| p.classification.is_some() || p.shared_memory_region.is_some()) {
        return Err(Fault::invalid(
            "`classification` and `shared_memory_region` of outputs are not supported",
        ));
    }
    Ok(RequestedOutput {
        position,
        is_binary: parameters.and_then(|parameters| parameters.binary_data),
    })
}

/// Reads one input; its binary data are taken off the front of `raw`.
fn tensor(input: &Input<'_>, raw: &mut &[u8], metadata: &Metadata) -> Result<Tensor, Fault> {
    let name = &*input.name;
    let of_input = |reason: String| Fault::invalid(format!("input `{name}`: {reason}"));
    let spec = metadata
        .inputs
        .iter()
        .find(|spec| spec.name == name)
        .ok_or_else(|| {
            let known = names(&metadata.inputs);
            Fault::invalid(format!("unknown input `{name}`; expected one of {known}"))
        })?;
    if input.datatype != spec.datatype.name() {
        return Err(of_input(format!(
            "datatype is `{}`; expected {}",
            input.datatype,
            spec.datatype.name()
        )));
    }
    let (shape, count) = extent(&input.shape).map_err(of_input)?;
    if !spec.fits(&shape) {
        return Err(of_input(format!(
            "shape is {:?}; expected {:?}, where -1 is any number",
            input.shape, spec.shape
        )));
    }
    if count == 0 && !spec.optional {
        return Err(of_input("at least one row is required".to_owned()));
    }
    Ok(Tensor {
        name: name.to_owned(),
        shape,
        data: data(input, spec, count, raw).map_err(of_input)?,
    })
}

/// The shape as indices, and how many values it makes.
fn extent(shape: &[u64]) -> Result<(Vec<usize>, usize), String> {
    if shape.len() > RANK {
        return Err(format!(
            "{} dimensions; at most {RANK} are allowed",
            shape.len()
        ));
    }
    let sizes: Result<Vec<usize>, _> = shape.iter().map(|&size| usize::try_from(size)).collect();
    let sizes = sizes.map_err(|_| format!("shape {shape:?} is too large"))?;
    let count = sizes
        .iter()
        .try_fold(1usize, |count, &size| count.checked_mul(size));
    match count {
        Some(count) => Ok((sizes, count)),
        None => Err(format!("shape {shape:?} is too large")),
    }
}

fn data(
    input: &Input<'_>,
    spec: &TensorSpec,
    count: usize,
    raw: &mut &[u8],
) -> Result<Data, String> {
    let parameters = input.parameters.as_ref();
    if parameters.is_some_and(|parameters| parameters.shared_memory_region.is_some()) {
        return Err("shared memory is not supported".to_owned());
    }
    let binary = parameters.and_then(|parameters| parameters.binary_data_size);
    match (binary, input.data) {
        (Some(size), None) => {
            let Some((own, rest)) = raw.split_at_checked(size) else {
                return Err(format!(
                    "binary_data_size is {size}, but {} bytes are left",
                    raw.len()
                ));
            };
            *raw = rest;
            binary::decode(spec.datatype, count, own)
        }
        (None, Some(list)) => {
            let values = values::values(spec.datatype, count, list, spec.nullable)?;
            match values.len() == count {
                true => Ok(values),
                false => Err(format!(
                    "`data` holds {} values; the shape says {count}",
                    values.len()
                )),
            }
        }
        (Some(_), Some(_)) => Err("both `data` and `binary_data_size` are given".to_owned()),
        (None, None) => Err("neither `data` nor `binary_data_size` is given".to_owned()),
    }
}
