//! `POST /v1/{task}`: rows in, rows out, as CSV, JSON or JSON lines, for batches by curl. Parameters are in the query.

use std::collections::HashSet;
use std::io::{self, Cursor, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use server::arms;
use server::dialect::{Call, Page, Step, Translated};
use server::{
    Data, Datatype, Fault, FaultKind, InferRequest, InferResponse, Metadata, Strings, Tensor,
    TensorSpec,
};
use tables::{Column, Compression, DataType, Format, Kind, Row, Rows, Source};

use super::form;

/// The name of the body in messages.
const BODY: &str = "body";
/// Names the outputs that are wanted.
const OUTPUTS: &str = "outputs";
/// Asks for the probability of every class.
const ALL_CLASSES: &str = "all_classes";
const WITH_CLASSES: [&str; 3] = ["prediction", "probability", "probabilities"];

/// A format of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Csv,
    /// An array of objects.
    Json,
    /// An object a line.
    JsonLines,
}

impl Shape {
    fn of(content_type: &str) -> Option<Self> {
        let kind = content_type.split(';').next().unwrap_or("").trim();
        match kind.to_ascii_lowercase().as_str() {
            "text/csv" => Some(Self::Csv),
            "application/json" => Some(Self::Json),
            "application/jsonl" | "application/x-ndjson" | "application/json-lines" => {
                Some(Self::JsonLines)
            }
            _ => None,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
            Self::JsonLines => "application/x-ndjson",
        }
    }

    fn format(self) -> Format {
        match self {
            Self::Csv => Format::Csv,
            Self::Json | Self::JsonLines => Format::Jsonl,
        }
    }
}

/// Reads the rows into the model's inputs.
pub fn read(call: &Call<'_>) -> Result<Step, Fault> {
    let task = call.names.first().map_or("", String::as_str);
    if call.scope.is_some_and(|scope| scope != arms::parts(task).0) {
        return Err(Fault::unknown(format!("unknown model `{task}`")));
    }
    let target = call.models.target(task)?;
    let metadata = target.1.metadata();
    let given = call.content_type.unwrap_or("");
    let mut request = parameters(call.query, metadata)?;
    let shape = Shape::of(given);
    let wanted = accepted(call.accept).or(shape).unwrap_or(Shape::Json);
    let inputs = &metadata.inputs;
    let table = match shape {
        // Nothing is asked for in particular: all series, for example.
        _ if call.body.is_empty() && inputs.iter().all(|input| input.optional) => Table::default(),
        Some(shape) => Table::read(call.body, shape, inputs)?,
        None => photos(call, given, inputs)?,
    };
    request.inputs = table.inputs;
    let (columns, rows) = (table.columns, table.rows);
    Ok(Step::Infer(Translated {
        target,
        request,
        write: Box::new(move |model, request, response| {
            let outputs = shown(request, response);
            // A prediction belongs to its row; forecasts and lists have rows of their own.
            let predicts = (model.metadata().outputs.iter()).any(|spec| spec.name == "prediction");
            let beside = predicts.then_some((&columns[..], &rows));
            let body = write(beside, &outputs, model.classes(), wanted)?;
            Ok(Page {
                status: 200,
                content_type: wanted.content_type(),
                body: body.into(),
            })
        }),
    }))
}

/// The outputs that were asked for, in that order; all of them where none was.
fn shown<'a>(request: &InferRequest, response: &'a InferResponse) -> Vec<&'a Tensor> {
    let named = |name: &String| response.outputs.iter().find(|tensor| tensor.name == *name);
    match request.outputs.is_empty() {
        true => response.outputs.iter().collect(),
        false => request.outputs.iter().filter_map(named).collect(),
    }
}

/// The format that a client asks for, if it asks for one of them.
fn accepted(accept: Option<&str>) -> Option<Shape> {
    accept?.split(',').find_map(Shape::of)
}

/// The parameters and outputs of the request that the query names.
fn parameters(query: &str, metadata: &Metadata) -> Result<InferRequest, Fault> {
    let mut request = InferRequest::default();
    for (name, value) in form::pairs(query)? {
        match name.as_str() {
            OUTPUTS => request.outputs = value.split(',').map(str::to_owned).collect(),
            ALL_CLASSES => match value.as_str() {
                "" | "true" | "1" => request.outputs = WITH_CLASSES.map(str::to_owned).to_vec(),
                "false" | "0" => {}
                _ => {
                    let reason = format!("`{ALL_CLASSES}` must be true or false");
                    return Err(Fault::invalid(reason));
                }
            },
            _ => {
                let value = match name.as_str() {
                    "levels" => Value::Array(value.split(',').map(scalar).collect()),
                    // Ids are texts, whatever they look like.
                    "allow" | "deny" => value.split(',').collect(),
                    _ => scalar(&value),
                };
                if request.parameters.insert(name.clone(), value).is_some() {
                    return Err(Fault::invalid(format!("`{name}` is given twice")));
                }
            }
        }
    }
    for (place, name) in request.outputs.iter().enumerate() {
        if request.outputs[..place].contains(name) {
            return Err(Fault::invalid(format!(
                "output `{name}` is asked for twice"
            )));
        }
    }
    let known = |name: &String| metadata.outputs.iter().any(|output| output.name == *name);
    match request.outputs.iter().find(|name| !known(name)) {
        None => Ok(request),
        Some(name) => {
            let known: Vec<&str> = metadata
                .outputs
                .iter()
                .map(|output| output.name.as_str())
                .collect();
            Err(Fault::invalid(format!(
                "unknown output `{name}`; expected one of `{}`",
                known.join("`, `")
            )))
        }
    }
}

/// A number or a boolean where it is one.
fn scalar(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
        _ => Value::String(text.to_owned()),
    }
}

/// Rows of a request.
#[derive(Default)]
struct Table {
    columns: Vec<Column>,
    rows: Rows,
    inputs: Vec<Tensor>,
}

impl Table {
    fn read(body: &[u8], shape: Shape, inputs: &[TensorSpec]) -> Result<Self, Fault> {
        if body.starts_with(&[0x1f, 0x8b]) {
            return Err(Fault::invalid(
                "the body is gzip; say so by `Content-Encoding: gzip`",
            ));
        }
        let input = Box::new(Cursor::new(body.to_vec()));
        let opened = tables::open_as(input, BODY, shape.format(), Compression::None);
        let mut source = opened.map_err(fault)?;
        let columns = source.columns().to_vec();
        let mut wanted = Vec::new();
        for spec in inputs {
            match (
                columns.iter().position(|column| column.name == spec.name),
                spec.optional,
            ) {
                (Some(position), _) => wanted.push((position, spec, values(spec))),
                (None, true) => {}
                (None, false) => {
                    source.column(&spec.name).map_err(fault)?;
                }
            }
        }
        if wanted.is_empty() {
            let expected: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
            let found: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            return Err(Fault::invalid(format!(
                "the rows have none of the columns `{}`, but `{}`",
                expected.join("`, `"),
                found.join("`, `")
            )));
        }
        let mut rows = Rows::default();
        let mut row = Row::new();
        while source.read(&mut row).map_err(fault)? {
            for (cell, spec, values) in &mut wanted {
                take(&row, *cell, source.as_ref(), spec, values)?;
            }
            rows.push(&row);
        }
        if rows.is_empty() {
            return Err(Fault::missing("the body has no rows"));
        }
        let tensor =
            |(_, spec, values): (usize, &TensorSpec, Data)| Tensor::column(&spec.name, values);
        Ok(Self {
            columns,
            rows,
            inputs: wanted.into_iter().map(tensor).collect(),
        })
    }
}

fn fault(error: tables::ReadError) -> Fault {
    Fault::invalid(error.to_string())
}

fn values(spec: &TensorSpec) -> Data {
    match spec.datatype {
        Datatype::Fp64 => Data::Fp64(Vec::new()),
        _ => Data::Bytes(Strings::default()),
    }
}

/// Adds a cell to the values of an input, as a batch reads it.
fn take(
    row: &Row,
    cell: usize,
    source: &dyn Source,
    spec: &TensorSpec,
    values: &mut Data,
) -> Result<(), Fault> {
    let (kind, text) = (row.kind(cell), row.text(cell));
    let refuse = |kind| fault(source.place(row, cell).error(kind));
    match values {
        Data::Fp64(numbers) => {
            numbers.push(
                match tables::spelling::is_missing_number(kind, text)
                    || spec.missing.iter().any(|word| word == text.trim())
                {
                    true => f64::NAN,
                    false => tables::number(text, None).map_err(|error| {
                        let place = source.place(row, cell);
                        Fault::invalid(format!("{place}: {error}"))
                    })?,
                },
            );
        }
        Data::Bytes(texts) if spec.nullable => texts.push(text.as_bytes()),
        // What may be left out is an id or a time; what may not is a text.
        Data::Bytes(texts) if spec.optional => {
            texts.push(tables::id_of(kind, text).map_err(refuse)?.as_bytes());
        }
        Data::Bytes(texts) => texts.push(tables::text_of(kind, text).map_err(refuse)?.as_bytes()),
        _ => {}
    }
    Ok(())
}

/// One photo as the body, or those of a form.
fn photos(call: &Call<'_>, content_type: &str, inputs: &[TensorSpec]) -> Result<Table, Fault> {
    let unsupported = || {
        Fault::new(
            FaultKind::Unsupported,
            "the content type is not supported; expected text/csv, application/json or application/x-ndjson, \
             or for photos image/*, application/octet-stream or multipart/form-data",
        )
    };
    let [spec] = inputs else {
        return Err(unsupported());
    };
    let is_form = form::is_form(call.content_type);
    let kind = content_type.split(';').next().unwrap_or("").trim();
    let kind = kind.to_ascii_lowercase();
    let is_photo = kind.starts_with("image/") || kind == "application/octet-stream";
    if spec.name != "photo" || !(is_form || is_photo) {
        return Err(unsupported());
    }
    let mut rows = Rows::default();
    let mut columns = Vec::new();
    let photos: Strings = match is_form {
        false => {
            rows.push(&Row::new());
            [call.body].into_iter().collect()
        }
        true => {
            columns.push(Column::typed("path", DataType::Text));
            let parts = form::parts(content_type, call.body)?;
            let files: Vec<_> = parts.iter().filter(|part| part.file.is_some()).collect();
            for file in &files {
                let mut row = Row::new();
                row.push(Kind::Text, file.file.as_deref().unwrap_or(""));
                rows.push(&row);
            }
            files.iter().map(|file| file.content).collect()
        }
    };
    if photos.is_empty() {
        return Err(Fault::missing("the form has no files"));
    }
    Ok(Table {
        columns,
        rows,
        inputs: vec![Tensor::column(&spec.name, Data::Bytes(photos))],
    })
}

/// Bytes that a sink writes to and that are taken back from it.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The answer as rows: beside those of the request where each has one, else alone.
fn write(
    beside: Option<(&[Column], &Rows)>,
    outputs: &[&Tensor],
    classes: &[String],
    shape: Shape,
) -> Result<Vec<u8>, Fault> {
    let count = outputs.first().map_or(0, |tensor| tensor.shape[0]);
    let mut named: Vec<Column> = beside.map_or(Vec::new(), |(columns, _)| columns.to_vec());
    for tensor in outputs {
        let width: usize = tensor.shape[1..].iter().product();
        match (tensor.name.as_str(), tensor.shape.len()) {
            ("probabilities", _) => {
                named.extend(
                    classes
                        .iter()
                        .map(|class| Column::typed(class, DataType::Float)),
                );
            }
            (name, 1) => named.push(Column::typed(name, data_type(&tensor.data))),
            (name, _) => named.extend(
                (1..=width)
                    .map(|at| Column::typed(format!("{name}_{at}"), data_type(&tensor.data))),
            ),
        }
    }
    let mut seen = HashSet::new();
    if let Some(twice) = named
        .iter()
        .find(|column| !seen.insert(column.name.as_str()))
    {
        return Err(Fault::invalid(format!(
            "the rows have a column `{}`, which is the name of an answer's; rename it",
            twice.name
        )));
    }
    let failed = |_| Fault::new(FaultKind::Internal, "the answer could not be written");
    let out = Shared::default();
    let mut sink = tables::create(
        out.clone(),
        shape.format(),
        Compression::None,
        &named,
        shape == Shape::Csv,
    )
    .map_err(failed)?;
    let mut row = Row::new();
    for place in 0..count {
        row.clear();
        if let Some((_, rows)) = beside {
            rows.get(place, &mut row);
        }
        for tensor in outputs {
            cells(tensor, place, &mut row);
        }
        sink.write(&row).map_err(failed)?;
    }
    sink.finish().map_err(failed)?;
    let body = std::mem::take(&mut *out.0.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(match shape {
        Shape::Json => array(&body),
        _ => body,
    })
}

fn data_type(data: &Data) -> DataType {
    match data {
        Data::Bytes(_) => DataType::Text,
        Data::Int32(_) | Data::Int64(_) => DataType::Integer,
        _ => DataType::Float,
    }
}

/// The cells of a row of a tensor. An empty text and NaN say that there is nothing.
fn cells(tensor: &Tensor, place: usize, row: &mut Row) {
    let width: usize = tensor.shape[1..].iter().product();
    for at in place * width..(place + 1) * width {
        match &tensor.data {
            Data::Bytes(texts) => match texts.get(at).unwrap_or_default() {
                b"" => row.push(Kind::Null, ""),
                text => row.push(Kind::Text, &String::from_utf8_lossy(text)),
            },
            Data::Fp64(numbers) if numbers[at].is_nan() => row.push(Kind::Null, ""),
            Data::Fp64(numbers) => row.push_number(numbers[at]),
            Data::Fp32(numbers) => row.push_number(numbers[at]),
            Data::Int64(numbers) => row.push_number(numbers[at]),
            Data::Int32(numbers) => row.push_number(numbers[at]),
            Data::Bool(values) => row.push(Kind::Bool, if values[at] { "true" } else { "false" }),
        }
    }
}

/// Lines of objects as an array of them.
fn array(lines: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(lines.len() + 2);
    body.push(b'[');
    for (position, line) in lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .enumerate()
    {
        if position > 0 {
            body.extend_from_slice(b",\n");
        }
        body.extend_from_slice(line);
    }
    body.extend_from_slice(b"]\n");
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_outputs_come_out_of_the_query() {
        let output = |name| TensorSpec::column(name, Datatype::Fp64);
        let metadata = Metadata {
            platform: String::new(),
            inputs: Vec::new(),
            outputs: WITH_CLASSES.map(output).to_vec(),
        };
        let read = |query| parameters(query, &metadata);
        let request = read("horizon=3&levels=80,99.5&allow=a,1e3&all_classes").unwrap();
        let expected =
            serde_json::json!({"horizon": 3, "levels": [80, 99.5], "allow": ["a", "1e3"]});
        assert_eq!(Value::Object(request.parameters), expected);
        assert_eq!(request.outputs, WITH_CLASSES);
        assert_eq!(read("outputs=prediction").unwrap().outputs, ["prediction"]);
        for query in ["k=1&k=2", "all_classes=perhaps", "outputs=predicton"] {
            assert!(read(query).is_err(), "{query}");
        }
    }

    #[test]
    fn the_first_known_type_is_accepted() {
        assert_eq!(
            accepted(Some("text/html, text/csv;q=0.9")),
            Some(Shape::Csv)
        );
        assert_eq!(accepted(Some("*/*")), None);
        assert_eq!(accepted(None), None);
    }

    #[test]
    fn lines_become_an_array() {
        assert_eq!(
            array(b"{\"a\":1}\n{\"a\":2}\n"),
            b"[{\"a\":1},\n{\"a\":2}]\n"
        );
        assert_eq!(array(b""), b"[]\n");
    }

    #[test]
    fn cells_are_read_by_type_and_faults_name_their_place() {
        let spec = [
            TensorSpec::column("text", Datatype::Bytes),
            TensorSpec::column("y", Datatype::Fp64),
        ];
        let table = Table::read(b"y,text,more\n1.5,a,x\n,b,y\n", Shape::Csv, &spec).unwrap();
        assert_eq!(table.inputs[0].strings().unwrap().get(1), Some(&b"b"[..]));
        let Data::Fp64(numbers) = &table.inputs[1].data else {
            panic!("numbers")
        };
        assert!(numbers[0] == 1.5 && numbers[1].is_nan());
        let refused = |body: &[u8], shape| Table::read(body, shape, &spec).err().unwrap().reason;
        assert!(refused(b"y,text\nmany,a\n", Shape::Csv).starts_with("body:2"));
        assert!(refused(b"y,txet\n1,a\n", Shape::Csv).contains("`text`"));
        assert!(refused(b"[{\"text\": null, \"y\": 1}]", Shape::Json).contains("text"));
        assert_eq!(refused(b"y,text\n", Shape::Csv), "the body has no rows");
        assert!(refused(b"{\"text\": ", Shape::JsonLines).contains("body"));
    }
}
