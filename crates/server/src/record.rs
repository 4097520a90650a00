//! A request and its answer as a line of JSON, and back: what a request log holds and a replay reads.
//!
//! Tensors are written as the Open Inference Protocol writes them, but for two things that it cannot say: bytes that are
//! not UTF-8 (photos) stand in `hex` instead of `data`, and `null` among numbers is NaN.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::model::{InferRequest, InferResponse};
use crate::tensor::{Data, Datatype, Strings, Tensor};

/// The output with the class: the only text of an answer that is written without content.
const CLASS: &str = "prediction";

/// A request that was answered.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The request's id.
    pub id: &'a str,
    /// The name of the model that answered.
    pub model: &'a str,
    /// Its version.
    pub version: &'a str,
    /// The request.
    pub request: &'a InferRequest,
    /// The answer.
    pub response: &'a InferResponse,
}

/// Is called once an answered request, on the thread that answers it: it should be quick and never block.
pub type Recorder = Box<dyn Fn(&Record<'_>) + Send + Sync>;

impl Record<'_> {
    /// Writes the line, at its end a line break. Without `with_content` it has no inputs, no parameters, and of the
    /// outputs the class and the numbers.
    pub fn write(&self, time: SystemTime, with_content: bool, out: &mut Vec<u8>) {
        let time = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        // Writing to memory does not fail.
        let _ = std::io::Write::write_fmt(
            out,
            format_args!("{{\"time\":{}.{:03}", time.as_secs(), time.subsec_millis()),
        );
        for (name, value) in [
            ("id", self.id),
            ("model", self.model),
            ("version", self.version),
        ] {
            field(name, value, out);
        }
        if with_content {
            field("parameters", &self.request.parameters, out);
            tensors("inputs", self.request.inputs.iter(), out);
            field("wanted", &self.request.outputs, out);
        }
        let is_shown =
            |tensor: &&Tensor| with_content || tensor.name == CLASS || tensor.strings().is_none();
        tensors(
            "outputs",
            self.response.outputs.iter().filter(is_shown),
            out,
        );
        out.extend_from_slice(b"}\n");
    }
}

fn json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, value);
}

fn field<T: serde::Serialize + ?Sized>(name: &str, value: &T, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    json(value, out);
}

fn tensors<'t>(name: &str, tensors: impl Iterator<Item = &'t Tensor>, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":[");
    for (position, tensor) in tensors.enumerate() {
        if position > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"name\":");
        json(&tensor.name, out);
        field("datatype", tensor.data.datatype().name(), out);
        field("shape", &tensor.shape, out);
        match &tensor.data {
            Data::Bool(values) => field("data", values, out),
            Data::Int32(values) => field("data", values, out),
            Data::Int64(values) => field("data", values, out),
            // serde_json writes numbers in the shortest form that reads back the same, and NaN as null.
            Data::Fp32(values) => field("data", values, out),
            Data::Fp64(values) => field("data", values, out),
            Data::Bytes(strings) => {
                let texts: Result<Vec<&str>, _> = strings.iter().map(std::str::from_utf8).collect();
                match texts {
                    Ok(texts) => field("data", &texts, out),
                    Err(_) => {
                        let hex: Vec<String> = strings.iter().map(hex).collect();
                        field("hex", &hex, out);
                    }
                }
            }
        }
        out.push(b'}');
    }
    out.push(b']');
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| {
        [
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 15)],
        ]
    });
    digits.map(char::from).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some((digit(*high)? * 16 + digit(*low)?) as u8),
        _ => None,
    };
    pairs.map(byte).collect()
}

/// A line that was read.
#[derive(Debug)]
pub struct Recorded {
    /// The request's id.
    pub id: String,
    /// The name of the model that answered.
    pub model: String,
    /// Its version.
    pub version: String,
    /// The request; none where it was recorded without content.
    pub request: Option<InferRequest>,
    /// The answer, or what was recorded of it.
    pub response: InferResponse,
}

/// A line of a request log.
#[derive(Debug)]
pub enum Line {
    /// A request.
    Request(Box<Recorded>),
    /// So many requests were not recorded, since the disk was too slow.
    Lost(u64),
}

#[derive(Deserialize)]
struct Raw<'a> {
    lost_lines: Option<u64>,
    #[serde(default, borrow)]
    id: Cow<'a, str>,
    #[serde(default, borrow)]
    model: Cow<'a, str>,
    #[serde(default, borrow)]
    version: Cow<'a, str>,
    parameters: Option<Map<String, Value>>,
    #[serde(borrow)]
    inputs: Option<Vec<RawTensor<'a>>>,
    #[serde(default)]
    wanted: Vec<String>,
    #[serde(borrow)]
    outputs: Option<Vec<RawTensor<'a>>>,
}

#[derive(Deserialize)]
struct RawTensor<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    datatype: Cow<'a, str>,
    shape: Vec<usize>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    hex: Option<Vec<String>>,
}

/// Reads a line.
///
/// # Errors
/// One that no request log has.
pub fn read(line: &[u8]) -> Result<Line, String> {
    let raw: Raw<'_> = serde_json::from_slice(line).map_err(|error| {
        // The line is named by the caller.
        let text = error.to_string();
        text.split(" at line ").next().unwrap_or(&text).to_owned()
    })?;
    if let Some(lost) = raw.lost_lines {
        return Ok(Line::Lost(lost));
    }
    let outputs = raw
        .outputs
        .ok_or("no `outputs`: this is no line of a request log")?;
    let all =
        |tensors: Vec<RawTensor<'_>>| tensors.iter().map(tensor).collect::<Result<Vec<_>, _>>();
    let request = match raw.inputs {
        None => None,
        Some(inputs) => Some(InferRequest {
            id: None,
            parameters: raw.parameters.unwrap_or_default(),
            inputs: all(inputs)?,
            outputs: raw.wanted,
        }),
    };
    Ok(Line::Request(Box::new(Recorded {
        id: raw.id.into_owned(),
        model: raw.model.into_owned(),
        version: raw.version.into_owned(),
        request,
        response: InferResponse {
            outputs: all(outputs)?,
        },
    })))
}

fn tensor(raw: &RawTensor<'_>) -> Result<Tensor, String> {
    let name = &raw.name;
    let of_tensor = |reason: &str| format!("tensor `{name}`: {reason}");
    let datatype = Datatype::from_name(&raw.datatype)
        .ok_or_else(|| of_tensor(&format!("unknown datatype `{}`", raw.datatype)))?;
    let data = match (&raw.hex, raw.data, datatype) {
        (Some(texts), None, Datatype::Bytes) => {
            let bytes: Option<Strings> = texts
                .iter()
                .map(|text| unhex(text))
                .collect::<Option<Vec<_>>>()
                .map(|all| all.into_iter().collect());
            Data::Bytes(bytes.ok_or_else(|| of_tensor("`hex` has other digits"))?)
        }
        (None, Some(list), _) => values(datatype, list.get()).map_err(|error| {
            of_tensor(error.to_string().split(" at line ").next().unwrap_or(""))
        })?,
        _ => return Err(of_tensor("expected `data`, or `hex` of BYTES")),
    };
    let count = raw
        .shape
        .iter()
        .try_fold(1usize, |count, size| count.checked_mul(*size));
    match count == Some(data.len()) {
        true => Ok(Tensor {
            name: name.clone().into_owned(),
            shape: raw.shape.clone(),
            data,
        }),
        false => Err(of_tensor(&format!(
            "{} values; the shape says {:?}",
            data.len(),
            raw.shape
        ))),
    }
}

fn values(datatype: Datatype, list: &str) -> serde_json::Result<Data> {
    Ok(match datatype {
        Datatype::Bool => Data::Bool(serde_json::from_str(list)?),
        Datatype::Int32 => Data::Int32(serde_json::from_str(list)?),
        Datatype::Int64 => Data::Int64(serde_json::from_str(list)?),
        Datatype::Fp32 => {
            let values: Vec<Option<f32>> = serde_json::from_str(list)?;
            Data::Fp32(
                values
                    .into_iter()
                    .map(|value| value.unwrap_or(f32::NAN))
                    .collect(),
            )
        }
        Datatype::Fp64 => {
            let values: Vec<Option<f64>> = serde_json::from_str(list)?;
            Data::Fp64(
                values
                    .into_iter()
                    .map(|value| value.unwrap_or(f64::NAN))
                    .collect(),
            )
        }
        Datatype::Bytes => {
            let values: Vec<Cow<'_, str>> = serde_json::from_str(list)?;
            Data::Bytes(values.iter().map(|value| value.as_bytes()).collect())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> InferRequest {
        let mut parameters = Map::new();
        parameters.insert("k".to_owned(), 3.into());
        InferRequest {
            id: None,
            parameters,
            inputs: vec![
                Tensor::column("text", Data::Bytes(["a \"b\"", "é\n"].iter().collect())),
                Tensor::column(
                    "photo",
                    Data::Bytes([&[0xff, 0x00][..], b""].iter().collect()),
                ),
            ],
            outputs: vec!["prediction".to_owned()],
        }
    }

    fn response() -> InferResponse {
        InferResponse {
            outputs: vec![
                Tensor::column("prediction", Data::Bytes(["x", "y"].iter().collect())),
                Tensor::column("title", Data::Bytes(["secret", "secret"].iter().collect())),
                Tensor::column("probability", Data::Fp64(vec![0.1 + 0.2, f64::NAN])),
                Tensor::column("score", Data::Fp32(vec![0.1, 16_777_216.0])),
                Tensor::column("known", Data::Bool(vec![true, false])),
                Tensor::column("rank", Data::Int64(vec![i64::MIN, 7])),
                Tensor::column("class", Data::Int32(vec![-1, 7])),
            ],
        }
    }

    fn written(with_content: bool) -> String {
        let (request, response) = (request(), response());
        let record = Record {
            id: "r1",
            model: "nlp",
            version: "v",
            request: &request,
            response: &response,
        };
        let mut out = Vec::new();
        record.write(
            UNIX_EPOCH + Duration::from_millis(1500),
            with_content,
            &mut out,
        );
        String::from_utf8(out).unwrap()
    }

    fn read_back(text: &str) -> Recorded {
        match read(text.as_bytes()).unwrap() {
            Line::Request(recorded) => *recorded,
            Line::Lost(_) => panic!("{text}"),
        }
    }

    #[test]
    fn a_line_reads_back_with_every_bit() {
        let back = read_back(&written(true));
        let asked = back.request.unwrap();
        assert_eq!(asked.inputs, request().inputs);
        assert_eq!(
            (asked.parameters, asked.outputs),
            (request().parameters, request().outputs)
        );
        let differences = crate::arms::difference::rows(&response(), &back.response);
        assert_eq!(
            differences,
            [crate::arms::difference::RowDifference::None; 2]
        );
        assert_eq!(
            (&*back.id, &*back.model, &*back.version),
            ("r1", "nlp", "v")
        );
    }

    #[test]
    fn without_content_there_is_no_text_but_the_class() {
        let line = written(false);
        assert!(line.starts_with("{\"time\":1.500,\"id\":\"r1\""), "{line}");
        for word in ["secret", "inputs", "parameters", "é"] {
            assert!(!line.contains(word), "{line}");
        }
        let back = read_back(&line);
        assert!(back.request.is_none());
        assert_eq!(back.response.outputs.len(), 6);
    }

    #[test]
    fn other_lines_are_refused_with_a_reason() {
        for (line, reason) in [
            ("{}", "no `outputs`"),
            ("[1", "EOF"),
            (
                r#"{"outputs":[{"name":"a","datatype":"FP16","shape":[1],"data":[1]}]}"#,
                "FP16",
            ),
            (
                r#"{"outputs":[{"name":"a","datatype":"FP64","shape":[2],"data":[1]}]}"#,
                "shape",
            ),
            (
                r#"{"outputs":[{"name":"a","datatype":"BYTES","shape":[1],"hex":["0"]}]}"#,
                "hex",
            ),
            (
                r#"{"outputs":[{"name":"a","datatype":"FP64","shape":[1]}]}"#,
                "expected `data`",
            ),
        ] {
            let found = read(line.as_bytes()).unwrap_err();
            assert!(found.contains(reason), "{line}: {found}");
        }
        assert!(matches!(read(br#"{"lost_lines":7}"#), Ok(Line::Lost(7))));
    }
}
