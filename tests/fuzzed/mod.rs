//! What must hold for any input: an answer or an error, never a panic, and laws between two ways to the
//! same answer. Each function is the body of the fuzz target of its name, and `tests/fuzz_corpus.rs` runs
//! it on the target's corpus.
#![allow(dead_code, unused_imports)] // each target uses its function

#[cfg(feature = "serve")]
mod request;
mod seal;

#[cfg(feature = "serve")]
pub use request::request;
pub use seal::seal;

use std::path::Path;

use easylife::pipeline::validate::Schema;
use easylife::task::Task;
use easylife::tasks::{cv::Cv, nlp, nlp::Nlp, recsys, recsys::Recsys, ts, ts::Ts};
use models::state::Stateful;
use scoring::Score;
use tables::blocks::Blocks;
use tables::{Compression, Format, Row, open_as};

/// Good rows and what is wrong with the others; the error where reading ends.
type Read = Result<(Vec<Vec<String>>, Vec<String>), String>;

fn row_by_row(bytes: &[u8], format: Format) -> Read {
    let input = Box::new(std::io::Cursor::new(bytes.to_vec()));
    let mut source = open_as(input, "f", format, Compression::None).map_err(|e| e.to_string())?;
    let (mut rows, mut bad, mut row) = (Vec::new(), Vec::new(), Row::new());
    loop {
        match source.read(&mut row) {
            Ok(true) => rows.push(row.cells().map(|(_, text)| text.to_owned()).collect()),
            Ok(false) => return Ok((rows, bad)),
            Err(error) if error.is_record() => bad.push(error.to_string()),
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn in_blocks(bytes: &[u8], format: Format) -> Read {
    let input = Box::new(std::io::Cursor::new(bytes.to_vec()));
    let mut blocks =
        Blocks::open_as(input, "f", format, Compression::None).map_err(|e| e.to_string())?;
    let (mut rows, mut bad) = (Vec::new(), Vec::new());
    while let Some(piece) = blocks.next_piece().map_err(|e| e.to_string())? {
        let block = piece.parse(blocks.head());
        let cells = |row| {
            (0..block.width())
                .map(|column| block.text(row, column).to_owned())
                .collect()
        };
        rows.extend((0..block.rows()).map(cells));
        bad.extend(block.bad().iter().map(ToString::to_string));
    }
    Ok((rows, bad))
}

/// A table has the same rows and faults row by row and in blocks.
fn table(bytes: &[u8], format: Format) {
    let (by_rows, by_blocks) = (row_by_row(bytes, format), in_blocks(bytes, format));
    let has_nul = |(_, bad): &(_, Vec<String>)| bad.iter().any(|fault| fault.contains("NUL"));
    if by_blocks.as_ref().is_ok_and(has_nul) {
        return; // Blocks have no room for NUL bytes; `predict` lets them through.
    }
    assert_eq!(by_rows, by_blocks);
}

/// Any bytes as a CSV file.
pub fn csv(bytes: &[u8]) {
    table(bytes, Format::Csv);
}

/// Any bytes as a file of JSON lines.
pub fn jsonl(bytes: &[u8]) {
    table(bytes, Format::Jsonl);
}

/// Any text as YAML, and as the block of each task in `params.yaml`.
pub fn yaml(text: &str) {
    fn block<T: Task>(root: &yaml::Node) {
        if let Ok(block) = yaml::from_node::<T::Block>(root) {
            let _ = T::check(&block);
        }
    }
    let _ = yaml::parse(text);
    let reader = yaml::Reader {
        types: yaml::Types::Core,
        ..yaml::Reader::default()
    };
    let Ok(root) = reader.read(text) else { return };
    block::<Nlp>(&root);
    block::<Cv>(&root);
    block::<Recsys>(&root);
    block::<Ts>(&root);
}

/// Any text as a file of rules.
pub fn schema(text: &str) {
    if let Err(error) = Schema::parse(Path::new("f.yaml"), text, &["duplicates"]) {
        let message = error.to_string();
        assert!(message.starts_with("f.yaml"), "no place: {message}");
    }
}

/// Any text as a `dvc.lock`: written anew, it says the same.
pub fn lock(text: &str) {
    if let Ok(written) = dvc::rewrite_lock(text) {
        let again = dvc::rewrite_lock(&written).map_err(|fault| fault.reason);
        assert_eq!(again, Ok(written), "from {text:?}");
    }
}

/// Any bytes as a photo: at least [`images::MIN_SIDE`] pixels each way and not uniform, or an error.
pub fn photo(bytes: &[u8]) {
    if let Ok(gray) = images::Decoder::new().decode(bytes) {
        assert_eq!(gray.pixels.len(), gray.width * gray.height);
        assert!(gray.width.min(gray.height) >= images::MIN_SIDE);
        assert!((1..=8).contains(&gray.orientation));
    }
}

/// Any bytes as a model file whose digests are right: a model that answers, or an error.
pub fn model(bytes: &[u8]) {
    fn load<T: Task>(bytes: &[u8]) -> Option<(T::Model, T::Details)> {
        let artifact::Contents { header, state, .. } =
            artifact::from_bytes::<T::Details>(bytes, "f", T::NAME).ok()?;
        Some((T::Model::take_state(state).ok()?, header.details))
    }
    let bytes = seal(bytes);
    if let Some((model, _)) = load::<Nlp>(&bytes) {
        let text = Some("a good film, not a bad one");
        let request = scoring::nlp::Request { text };
        let scorer = nlp::scoring::Scorer::new(model);
        let _ = scorer.score(&[request], &mut Default::default());
    }
    if let Some((model, _)) = load::<Recsys>(&bytes) {
        let list = scoring::recsys::List::User {
            id: "u1",
            newer: &[0],
            allowed: None,
            denied: &[],
        };
        let scorer = recsys::scoring::Scorer::new(model, Vec::new());
        let _ = scorer.score(&[scoring::recsys::Request { list, k: 3 }], &mut ());
    }
    if let Some((model, details)) = load::<Ts>(&bytes) {
        let Some(series) = model.ids.first().cloned() else {
            return;
        };
        let Ok(scorer) = ts::scoring::Scorer::new(model, &details.data) else {
            return;
        };
        let request = scoring::ts::Request {
            series: &series,
            newer: Default::default(),
            horizon: Some(3),
            levels: &[80.0],
        };
        let _ = scorer.score(&[request], &mut ());
    }
    let _ = load::<Cv>(&bytes);
}
