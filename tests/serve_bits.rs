//! Ten thousand rows a task, answered four ways: by `easylife predict`, by the Open Inference Protocol in JSON and in its
//! binary extension, and as tables by `/v1/TASK`. All have the same words and the same bits of every number.
#![cfg(feature = "serve")]

#[path = "support/server.rs"]
mod server;
mod support;

use serde_json::{Value, json};
use server::{Response, Server, form};
use support::Workdir;

/// How a missing number is shown: empty in a table, null in JSON, NaN in binary data.
const MISSING: &str = "missing";

/// What a column holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    /// A number of 64 bits with a fraction.
    Double,
    /// A number of 32 bits with a fraction.
    Single,
    /// A whole number.
    Whole,
}

fn double(value: f64) -> String {
    match value.is_nan() {
        true => MISSING.to_owned(),
        false => format!("{:016x}", value.to_bits()),
    }
}

fn single(value: f32) -> String {
    match value.is_nan() {
        true => MISSING.to_owned(),
        false => format!("{:08x}", value.to_bits()),
    }
}

impl Kind {
    /// A cell of a table; numbers as their bits. The text is the shortest that reads back the same.
    fn cell(self, text: &str) -> String {
        match self {
            Self::Double | Self::Single if text.is_empty() => MISSING.to_owned(),
            Self::Double => double(text.parse::<f64>().unwrap_or_else(|_| panic!("{text}"))),
            Self::Single => single(text.parse::<f32>().unwrap_or_else(|_| panic!("{text}"))),
            Self::Text | Self::Whole => text.to_owned(),
        }
    }

    /// A value in JSON.
    fn value(self, value: &Value) -> String {
        let missing = || MISSING.to_owned();
        let number = value.as_f64();
        match self {
            Self::Double => number.map_or_else(missing, double),
            Self::Single => number.map_or_else(missing, |number| single(number as f32)),
            Self::Text => value.as_str().unwrap_or("not a text").to_owned(),
            Self::Whole => value.to_string(),
        }
    }

    /// Values as binary data.
    fn decode(self, bytes: &[u8]) -> Vec<String> {
        match self {
            Self::Text => texts_of(bytes),
            Self::Double => decoded(bytes, |word| double(f64::from_le_bytes(word))),
            Self::Single => decoded(bytes, |word| single(f32::from_le_bytes(word))),
            Self::Whole => decoded(bytes, |word| i64::from_le_bytes(word).to_string()),
        }
    }
}

fn decoded<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> String) -> Vec<String> {
    let (words, rest) = bytes.as_chunks::<N>();
    assert!(rest.is_empty(), "{} bytes are left", rest.len());
    words.iter().map(|word| read(*word)).collect()
}

/// Texts, each behind its length.
fn texts_of(mut bytes: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let (text, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
        texts.push(String::from_utf8(text.to_vec()).unwrap());
        bytes = rest;
    }
    assert!(bytes.is_empty(), "{} bytes are left", bytes.len());
    texts
}

fn with_lengths(texts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in texts {
        bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
        bytes.extend_from_slice(text);
    }
    bytes
}

/// An output of the protocol, and the columns of a table that hold it: several where it is a matrix.
struct Output {
    name: &'static str,
    columns: Vec<&'static str>,
    kind: Kind,
}

fn output(name: &'static str, kind: Kind) -> Output {
    Output {
        name,
        columns: vec![name],
        kind,
    }
}

/// A question for all rows of a task.
struct Question {
    task: &'static str,
    /// The input and its values.
    input: &'static str,
    values: Vec<Vec<u8>>,
    parameters: Value,
    outputs: Vec<Output>,
}

/// An answer: the values of each output, row by row.
type Answer = Vec<Vec<String>>;

impl Question {
    /// Asks by the protocol; the outputs in JSON, or as binary data. So is the input; a photo is binary data always,
    /// since its bytes are not a string.
    fn infer(&self, server: &Server, is_binary: bool) -> Answer {
        let mut input =
            json!({"name": self.input, "datatype": "BYTES", "shape": [self.values.len()]});
        let mut raw = Vec::new();
        let texts = self.values.iter().map(|value| std::str::from_utf8(value));
        match texts.collect::<Result<Vec<&str>, _>>() {
            Ok(texts) if !is_binary => input["data"] = json!(texts),
            _ => {
                raw = with_lengths(&self.values);
                input["parameters"] = json!({"binary_data_size": raw.len()});
            }
        }
        let mut parameters = self.parameters.clone();
        parameters["binary_data_output"] = json!(is_binary);
        let names = self
            .outputs
            .iter()
            .map(|output| json!({"name": output.name}));
        let outputs: Vec<Value> = names.collect();
        let head = json!({"inputs": [input], "parameters": parameters, "outputs": outputs});
        let head = head.to_string();
        let length = head.len().to_string();
        let header = match raw.is_empty() {
            true => ("content-type", "application/json"),
            false => ("inference-header-content-length", length.as_str()),
        };
        let body = [head.as_bytes(), &raw].concat();
        let target = format!("/v2/models/{}/infer", self.task);
        self.read(&server.send("POST", &target, &[header], &body))
    }

    /// Reads an answer of the protocol.
    fn read(&self, response: &Response) -> Answer {
        let task = self.task;
        assert_status(response, task);
        let length = response
            .header("inference-header-content-length")
            .map_or(response.body.len(), |length| length.parse().unwrap());
        let (head, mut raw) = response.body.split_at(length);
        let answer: Value = serde_json::from_slice(head).unwrap();
        let given = answer["outputs"].as_array().unwrap();
        assert_eq!(given.len(), self.outputs.len(), "{task}: outputs");
        let mut values = Vec::new();
        for (output, given) in self.outputs.iter().zip(given) {
            assert_eq!(given["name"], output.name, "{task}");
            let size = given["parameters"]["binary_data_size"].as_u64();
            values.push(match (size, given["data"].as_array()) {
                (Some(size), None) => {
                    let (own, rest) = raw.split_at(size as usize);
                    raw = rest;
                    output.kind.decode(own)
                }
                (None, Some(data)) => {
                    let data = data.iter().map(|value| output.kind.value(value));
                    data.collect()
                }
                _ => panic!("{task}: {} is neither JSON nor binary data", output.name),
            });
        }
        assert!(raw.is_empty(), "{task}: {} bytes are left", raw.len());
        values
    }

    /// Reads a table.
    fn table(&self, text: &str) -> Answer {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().unwrap().clone();
        let place = |wanted: &&str| {
            let place = header.iter().position(|name| name == *wanted);
            place.unwrap_or_else(|| panic!("{}: no column {wanted}: {header:?}", self.task))
        };
        let places: Vec<Vec<usize>> = { self.outputs.iter() }
            .map(|output| output.columns.iter().map(place).collect())
            .collect();
        let mut values: Answer = self.outputs.iter().map(|_| Vec::new()).collect();
        for row in reader.records() {
            let row = row.unwrap();
            for (output, (places, values)) in
                self.outputs.iter().zip(places.iter().zip(&mut values))
            {
                let cells = places.iter().map(|&place| output.kind.cell(&row[place]));
                values.extend(cells);
            }
        }
        values
    }

    /// The answers by the protocol and by `/v1` must be those of the batch.
    fn check(&self, server: &Server, batch: &str, v1: &Response) {
        assert_status(v1, self.task);
        let batch = self.table(batch);
        let ways = [
            ("JSON", self.infer(server, false)),
            ("binary data", self.infer(server, true)),
            ("/v1", self.table(v1.text())),
        ];
        for (way, answer) in ways {
            for ((output, expected), found) in self.outputs.iter().zip(&batch).zip(&answer) {
                let what = format!("{} by {way}: {}", self.task, output.name);
                assert_same(&what, expected, found);
            }
        }
    }
}

fn assert_status(response: &Response, what: &str) {
    let start = &response.body[..response.body.len().min(300)];
    let start = String::from_utf8_lossy(start);
    assert_eq!(response.status, 200, "{what}: {start}");
}

/// Says where two columns begin to differ, since they are too long to be shown.
fn assert_same(what: &str, expected: &[String], found: &[String]) {
    let differing = expected.iter().zip(found).position(|(a, b)| a != b);
    if let Some(row) = differing {
        panic!(
            "{what}, value {row}: expected {}, got {}",
            expected[row], found[row]
        );
    }
    assert_eq!(expected.len(), found.len(), "{what}: values");
}

/// A project with a sample of a task, prepared and trained.
fn trained(task: &str, sets: &[&str]) -> Workdir {
    let dir = Workdir::project();
    for verb in ["sample", "prepare", "train"] {
        dir.ok(&[&[verb, task][..], sets].concat());
    }
    dir
}

/// The different values of a column of a table, in their order.
fn distinct(table: &str, column: &str) -> Vec<Vec<u8>> {
    let mut values = column_of(table, column);
    values.dedup();
    values
}

fn column_of(table: &str, column: &str) -> Vec<Vec<u8>> {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let place = reader
        .headers()
        .unwrap()
        .iter()
        .position(|name| name == column);
    let place = place.unwrap_or_else(|| panic!("no column {column}"));
    let value =
        |row: Result<csv::StringRecord, csv::Error>| row.unwrap()[place].as_bytes().to_vec();
    reader.records().map(value).collect()
}

/// A table of one column.
fn table_of(column: &str, values: &[Vec<u8>]) -> Vec<u8> {
    [column.as_bytes(), b"\n", &values.join(&b'\n'), b"\n"].concat()
}

/// Asks `/v1` for CSV.
fn post_table(server: &Server, target: &str, content_type: &str, body: &[u8]) -> Response {
    let headers = [("content-type", content_type), ("accept", "text/csv")];
    server.send("POST", target, &headers, body)
}

#[test]
fn ten_thousand_texts() {
    let sets = [
        "-S",
        "nlp.sample.rows=600",
        "-S",
        "nlp.sample.incoming=10000",
    ];
    let dir = trained("nlp", &sets);
    let input = "data/raw/nlp/incoming.csv";
    dir.ok(&[
        "predict",
        "nlp",
        "-i",
        input,
        "-o",
        "out.csv",
        "--all-classes",
    ]);
    let table = dir.read(input);
    let server = Server::start(&dir, &["nlp"]);
    let question = Question {
        task: "nlp",
        input: "text",
        values: column_of(&table, "text"),
        parameters: json!({}),
        outputs: vec![
            output("prediction", Kind::Text),
            output("probability", Kind::Double),
            Output {
                name: "probabilities",
                columns: vec!["negative", "positive"],
                kind: Kind::Double,
            },
        ],
    };
    assert_eq!(question.values.len(), 10_000);
    let target = "/v1/nlp?all_classes=true";
    let v1 = post_table(&server, target, "text/csv", table.as_bytes());
    question.check(&server, &dir.read("out.csv"), &v1);
}

#[test]
fn every_series() {
    let dir = trained("ts", &["-S", "ts.sample.days=200"]);
    let predict = [
        "predict",
        "ts",
        "-o",
        "out.csv",
        "--horizon",
        "28",
        "--level",
        "80,95",
    ];
    dir.ok(&predict);
    let batch = dir.read("out.csv");
    let server = Server::start(&dir, &["ts"]);
    let numbers = ["mean", "lo-80", "hi-80", "lo-95", "hi-95"];
    let mut outputs = vec![output("unique_id", Kind::Text), output("ds", Kind::Text)];
    outputs.extend(numbers.map(|name| output(name, Kind::Double)));
    let question = Question {
        task: "ts",
        input: "unique_id",
        values: distinct(&batch, "unique_id"),
        parameters: json!({"horizon": 28, "levels": [80, 95]}),
        outputs,
    };
    assert_eq!(question.values.len(), 20);
    let table = table_of("unique_id", &question.values);
    let target = "/v1/ts?horizon=28&levels=80,95";
    let v1 = post_table(&server, target, "text/csv", &table);
    question.check(&server, &batch, &v1);
}

#[test]
fn ten_thousand_users_and_every_item() {
    let sets = [
        "-S",
        "recsys.sample.users=10000",
        "-S",
        "recsys.sample.items=60",
        "-S",
        "recsys.model.kind=ease",
    ];
    let dir = trained("recsys", &sets);
    let server = Server::start(&dir, &["recsys"]);
    // The lists of users, and the items like others: the option of the batch, the input, and the outputs.
    let asked = [
        ("--users", "user_id", ["user_id", "item_id"], 9_900),
        ("--similar", "similar_to", ["item_id", "similar_id"], 50),
    ];
    for (option, input, ids, least) in asked {
        dir.ok(&[
            "predict", "recsys", option, "all", "--k", "10", "-o", "out.csv",
        ]);
        let batch = dir.read("out.csv");
        let mut outputs: Vec<Output> = ids.map(|name| output(name, Kind::Text)).into();
        outputs.extend([output("rank", Kind::Whole), output("score", Kind::Single)]);
        let question = Question {
            task: "recsys",
            input,
            values: distinct(&batch, ids[0]),
            parameters: json!({"k": 10}),
            outputs,
        };
        let count = question.values.len();
        assert!(count >= least, "{option}: {count} lists");
        let table = table_of(input, &question.values);
        let v1 = post_table(&server, "/v1/recsys?k=10", "text/csv", &table);
        question.check(&server, &batch, &v1);
    }
}

#[test]
fn dozens_of_photos() {
    let dir = Workdir::project();
    let sets = ["-S", "cv.sample.scenes=4", "-S", "cv.sample.incoming=32"];
    dir.ok(&[&["sample", "cv"][..], &sets].concat());
    // The built-in model: nothing was trained.
    let input = "data/raw/cv/incoming";
    dir.ok(&["predict", "cv", "-i", input, "-o", "out.csv"]);
    let batch = dir.read("out.csv");
    let server = Server::start(&dir, &["cv"]);
    let paths: Vec<String> = { column_of(&batch, "path").into_iter() }
        .map(|path| String::from_utf8(path).unwrap())
        .collect();
    let photos: Vec<Vec<u8>> = paths.iter().map(|path| dir.bytes(path)).collect();
    assert_eq!(photos.len(), 32);
    let files: Vec<(&str, &str, &[u8])> = { paths.iter().zip(&photos) }
        .map(|(path, photo)| ("file", path.as_str(), &photo[..]))
        .collect();
    let (kind, body) = form(&files);
    let v1 = post_table(&server, "/v1/cv", kind, &body);
    let question = Question {
        task: "cv",
        input: "photo",
        values: photos,
        parameters: json!({}),
        outputs: vec![
            output("prediction", Kind::Text),
            output("probability", Kind::Double),
            output("score", Kind::Double),
            output("warning", Kind::Text),
            output("error", Kind::Text),
        ],
    };
    question.check(&server, &batch, &v1);
}
