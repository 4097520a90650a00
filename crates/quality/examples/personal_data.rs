//! Prints the personal data in a file of texts separated by NUL bytes: `personal_data FILE`.
//!
//! One line a span: `text kind start end` (bytes). The time of the scan alone goes to stderr.
//! tools/peers/quality.py compares the spans with those that it planted.

use std::error::Error;
use std::io::{BufWriter, Write};
use std::time::Instant;

use quality::personal::find_into;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: personal_data FILE")?;
    let texts = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let (mut found, mut all) = (Vec::new(), Vec::new());
    let start = Instant::now();
    for (i, text) in texts.split('\0').enumerate() {
        find_into(text, &mut found);
        all.extend(found.iter().map(|span| (i, *span)));
    }
    let seconds = start.elapsed().as_secs_f64();
    eprintln!(
        "{} bytes, {seconds:.4} s, {:.0} MB/s",
        texts.len(),
        texts.len() as f64 / 1e6 / seconds
    );
    for (i, span) in all {
        let kind = span.kind.mask().trim_matches(['<', '>']).to_lowercase();
        writeln!(out, "{i} {kind} {} {}", span.start, span.end)?;
    }
    Ok(out.flush()?)
}
