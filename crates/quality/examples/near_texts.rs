//! Prints the near-duplicates in a file of one text a line: `near_texts FILE [THRESHOLD] [words|characters N]`.
//!
//! One line a pair, `first second similarity`, then one a group, `group row row ...`. How thorough the
//! search was goes to stderr. tools/peers/quality.py measures it.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};

use quality::near::{Options, Shingles};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, rest @ ..] = &arguments[..] else {
        return Err("usage: near_texts FILE [THRESHOLD] [words|characters N]".into());
    };
    let mut options = Options::default();
    if let Some(threshold) = rest.first() {
        options.threshold = threshold.parse()?;
    }
    options.shingles = match rest.get(1..) {
        Some([kind, length]) if kind == "words" => Shingles::Words(length.parse()?),
        Some([kind, length]) if kind == "characters" => Shingles::Characters(length.parse()?),
        _ => Shingles::default(),
    };
    let mut texts = options.texts()?;
    let mut failure = None;
    let lines = BufReader::new(File::open(path)?).lines();
    texts.extend(lines.map_while(|line| line.map_err(|error| failure = Some(error)).ok()))?;
    if let Some(error) = failure {
        return Err(error.into());
    }
    eprintln!("{} texts, {:?}", texts.len(), texts.plan());
    let found = texts.duplicates();
    eprintln!("{:?}", found.coverage);
    let mut out = BufWriter::new(std::io::stdout().lock());
    for pair in &found.pairs {
        writeln!(out, "{} {} {}", pair.first, pair.second, pair.similarity)?;
    }
    for group in &found.groups {
        let rows: Vec<String> = group.iter().map(u32::to_string).collect();
        writeln!(out, "group {}", rows.join(" "))?;
    }
    Ok(out.flush()?)
}
