//! Outputs, resuming and rejects of `predict`, with a source and a scorer made for it.

use std::io::Cursor;

use proptest::prelude::*;

use super::output::{Target, to_file};
use super::*;
use crate::exit::code;
use tables::{Compression, Kind, open_as};

const QUIET: Talk = Talk {
    verbosity: -1,
    color: false,
};

/// Appends the length of the first cell; refuses cells `bad`; fails on `odd`.
struct Lengths(Vec<Column>);

impl RowScorer for Lengths {
    fn columns(&self) -> &[Column] {
        &self.0
    }

    fn score(&self, rows: &mut [Row]) -> Vec<(usize, Reject)> {
        let mut refused = Vec::new();
        for (index, row) in rows.iter_mut().enumerate() {
            match row.text(0).to_owned().as_str() {
                "bad" => {
                    let refusal = Refusal::missing("it is bad");
                    refused.push((index, Reject::of(&refusal, row.line(), "text")));
                }
                text => row.push_number(text.len()),
            }
        }
        refused
    }

    // Small, so that a few rows are many batches and checkpoints.
    fn pace(&self) -> Pace {
        Pace {
            task: 2,
            batch: 5,
            checkpoint: 10,
        }
    }

    fn failed(&self, row: &Row) -> bool {
        row.text(0) == "odd"
    }

    fn warned(&self, row: &Row) -> bool {
        row.text(0) == "xxx"
    }
}

/// A source that asks to stop after some rows, or fails there.
struct Breaking {
    inner: Box<dyn Source>,
    left: usize,
    how: Break,
}

#[derive(Clone)]
enum Break {
    Interrupt(Interrupt),
    Disk,
}

impl Source for Breaking {
    fn columns(&self) -> &[Column] {
        self.inner.columns()
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        if self.left == 0 {
            match &self.how {
                Break::Interrupt(interrupt) => drop(interrupt.ask()),
                Break::Disk => {
                    let error = std::io::Error::other("the disk is broken");
                    return Err(Place::file("f").error(tables::ReadErrorKind::Io(error)));
                }
            }
        }
        self.left = self.left.saturating_sub(1);
        self.inner.read(row)
    }

    fn file(&self) -> &str {
        self.inner.file()
    }
}

fn source(text: &str) -> Box<dyn Source> {
    let input = Box::new(Cursor::new(text.to_owned()));
    open_as(input, "in.csv", Format::Csv, Compression::None).unwrap()
}

fn job(source: Box<dyn Source>) -> Job {
    Job::per_row(source, |_| Ok(Lengths(vec![Column::new("length")]))).unwrap()
}

fn batches(source: Box<dyn Source>) -> Batches {
    Batches::new(job(source), OnError::Skip)
}

/// A folder with an output of some format.
struct Out {
    folder: tempfile::TempDir,
    format: (Format, Compression),
    identity: &'static str,
}

impl Out {
    fn of(format: Format) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            format: (format, Compression::None),
            identity: "1",
        }
    }

    fn target(&self) -> Target {
        let columns = ["text", "n", "length"].map(Column::new).into();
        let path = self.folder.path().join("out");
        Target::new(&path, self.format, columns, self.identity.to_owned())
    }

    fn write(
        &self,
        source: Box<dyn Source>,
        resume: bool,
        interrupt: &Interrupt,
    ) -> Result<Scored> {
        to_file(&self.target(), batches(source), resume, interrupt, &QUIET)
    }

    /// Everything in the folder, by name.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let file = |entry: std::fs::DirEntry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        };
        let mut files: Vec<_> = entries.map(|entry| file(entry.unwrap())).collect();
        files.sort();
        files
    }

    fn names(&self) -> Vec<String> {
        self.files().into_iter().map(|(name, _)| name).collect()
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }
}

/// Rows of which every eleventh is refused and one is short.
fn rows(count: usize) -> String {
    let mut text = "text,n\n".to_owned();
    for i in 0..count {
        match i {
            _ if i % 11 == 4 => text += "bad,0\n",
            17 => text += "short\n",
            _ => text += &format!("{},{i}\n", "x".repeat(i % 7)),
        }
    }
    text
}

#[test]
fn answers_are_appended_and_rejects_listed_by_line() {
    let out = Out::of(Format::Csv);
    let text = "text,n\nabc,1\nbad,2\nshort\n\"\",3\nodd,4\n";
    let scored = out
        .write(source(text), false, &Interrupt::default())
        .unwrap();
    assert_eq!(out.text("out"), "text,n,length\nabc,1,3\n,3,0\nodd,4,3\n");
    assert_eq!((scored.rows, scored.rejected, scored.failed), (3, 2, 1));
    assert_eq!(scored.exit(), Exit::Partial);
    let rejects = out.text("out.rejects.csv");
    let lines: Vec<&str> = rejects.lines().collect();
    assert_eq!(lines[0], "line,column,reason,file");
    assert_eq!(lines[1], "3,text,it is bad,in.csv");
    assert!(
        lines[2].starts_with("4,") && lines[2].ends_with(",in.csv"),
        "{lines:?}"
    );
    assert_eq!(
        out.names(),
        ["out", "out.rejects.csv"],
        "nothing else is left"
    );
    // Another run without rejects takes the old list away.
    let scored = out
        .write(source("text,n\na,1\n"), false, &Interrupt::default())
        .unwrap();
    assert_eq!(out.names(), ["out"]);
    assert_eq!(scored.exit(), Exit::Done);
    assert!(scored.to_string().ends_with("out: 1 rows\n"));
}

#[test]
fn the_first_bad_record_is_the_error_when_none_may_be_left_out() {
    let first = |text: &str| {
        let mut batches = Batches::new(job(source(text)), OnError::Fail);
        let sink = tables::create(Vec::new(), Format::Csv, Compression::None, &[], true).unwrap();
        let spelling = sink.spelling();
        loop {
            match batches.next(&spelling) {
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(error) => return Some((code(&error), format!("{error:#}"))),
            }
        }
    };
    assert_eq!(first("text,n\na,1\n"), None);
    let (exit, message) = first("text,n\na,1\nbad,1\nshort\n").unwrap();
    assert_eq!(
        (exit, &*message),
        (Exit::Data, "in.csv:3: column `text`: it is bad")
    );
    let (exit, message) = first("text,n\na,1\nshort\nbad,1\n").unwrap();
    assert_eq!(exit, Exit::Data);
    assert!(message.starts_with("in.csv:3: "), "{message}");
}

#[test]
fn a_failure_leaves_what_can_be_resumed_and_says_so() {
    let out = Out::of(Format::Csv);
    let text = rows(40);
    let broken = |left| {
        Box::new(Breaking {
            inner: source(&text),
            left,
            how: Break::Disk,
        })
    };
    let error = out
        .write(broken(25), false, &Interrupt::default())
        .unwrap_err();
    assert_eq!(code(&error), Exit::Failed);
    let message = format!("{error:#}");
    assert!(message.contains("the disk is broken"), "{message}");
    assert!(
        message.contains("rows: continue with --resume, or remove it"),
        "{message}"
    );
    assert!(
        out.names().contains(&".out.journal".to_owned()),
        "{:?}",
        out.names()
    );
    assert!(!out.names().contains(&"out".to_owned()));
    // The rows of both runs are counted.
    let resumed = out.write(source(&text), true, &Interrupt::default());
    let whole = Out::of(Format::Csv).write(source(&text), false, &Interrupt::default());
    let [resumed, whole] = [resumed, whole].map(Result::unwrap);
    assert!(whole.warned > 2, "{whole:?}");
    assert_eq!(
        (resumed.rows, resumed.rejected, resumed.warned),
        (whole.rows, whole.rejected, whole.warned)
    );
    // Before the first checkpoint there is nothing to keep.
    let early = Out::of(Format::Csv);
    early
        .write(broken(3), false, &Interrupt::default())
        .unwrap_err();
    assert!(early.names().is_empty(), "{:?}", early.names());
}

#[test]
fn another_input_or_another_computation_is_not_resumed() {
    let interrupted = |out: &Out| {
        let interrupt = Interrupt::default();
        let how = Break::Interrupt(interrupt.clone());
        let source = Box::new(Breaking {
            inner: source(&rows(40)),
            left: 25,
            how,
        });
        let error = out.write(source, false, &interrupt).unwrap_err();
        assert_eq!(code(&error), Exit::Interrupted);
    };
    let resume = |out: &Out, text: &str| out.write(source(text), true, &Interrupt::default());
    let out = Out::of(Format::Csv);
    interrupted(&out);
    let error = resume(&out, &rows(40).replacen("xx,2", "xy,2", 1)).unwrap_err();
    assert!(
        error.to_string().contains("the input has changed"),
        "{error}"
    );
    assert_eq!(code(&error), Exit::Usage);

    let mut other = Out::of(Format::Csv);
    interrupted(&other);
    other.identity = "2";
    let error = resume(&other, &rows(40)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("another model, version or other options"),
        "{error}"
    );
    other.identity = "1";
    resume(&other, &rows(40)).unwrap();

    // A part that is gone, and nothing to resume at all: from the first row.
    let gone = Out::of(Format::Csv);
    interrupted(&gone);
    std::fs::remove_file(gone.folder.path().join(".out.part")).unwrap();
    resume(&gone, &rows(40)).unwrap();
    assert_eq!(gone.files(), other.files());
    let fresh = Out::of(Format::Csv);
    resume(&fresh, &rows(40)).unwrap();
    assert_eq!(fresh.files(), other.files());
}

#[test]
fn rows_that_would_hide_a_column_are_refused() {
    let clash = columns_per_row(&[Column::new("length")], &[Column::new("length")]);
    let error = clash.unwrap_err();
    assert_eq!(code(&error), Exit::Data);
    assert!(
        error.to_string().contains("already has a column `length`"),
        "{error}"
    );
}

#[test]
fn rejects_name_their_place_as_far_as_it_is_known() {
    let because = || Reject::because("why".to_owned());
    assert_eq!(because().to_string(), "why");
    let line = Reject {
        line: Some(3),
        ..because()
    };
    assert_eq!(line.to_string(), "line 3: why");
    let file = Some(("f.csv".to_owned(), Unit::Line));
    assert_eq!(
        Reject {
            file: file.clone(),
            ..line
        }
        .to_string(),
        "f.csv:3: why"
    );
    assert_eq!(Reject { file, ..because() }.to_string(), "f.csv: why");
}

#[test]
fn the_records_of_a_run_have_one_digest() {
    let digest = |rows: &[&[(Kind, &str)]]| {
        let mut digest = journal::Digest::default();
        for cells in rows {
            let mut row = Row::new();
            cells.iter().for_each(|(kind, text)| row.push(*kind, text));
            digest.update(&row);
        }
        digest.hex()
    };
    let text = |text: &'static str| (Kind::Text, text);
    let all = [
        digest(&[]),
        digest(&[&[]]),
        digest(&[&[text("ab")]]),
        digest(&[&[text("a"), text("b")]]),
        digest(&[&[text("a")], &[text("b")]]),
        digest(&[&[text("a"), text("b"), text("")]]),
        digest(&[&[(Kind::Number, "ab")]]),
    ];
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len(), "{all:?}");
}

/// A name, and the format that it says or why it says none.
#[test]
fn the_format_follows_from_the_name() {
    let request = |output: Port, format| Request {
        input: None,
        asked: Vec::new(),
        output,
        model: None,
        format,
        reading: Reading::default(),
        on_error: None,
        resume: false,
        wait: false,
        require_input: false,
        options: AnswerOptions::default(),
    };
    let of = |name: &str, format| {
        let found = output_format(&request(Port::File(name.into()), format));
        found.map_err(|error| error.to_string())
    };
    assert_eq!(of("a.csv", None), Ok((Format::Csv, Compression::None)));
    assert_eq!(
        of("a.jsonl.gz", None),
        Ok((Format::Jsonl, Compression::Gzip))
    );
    assert_eq!(
        of("a.tsv.zst", Some(Format::Csv)),
        Ok((Format::Tsv, Compression::Zstd))
    );
    assert_eq!(
        of("a.out", Some(Format::Parquet)),
        Ok((Format::Parquet, Compression::None))
    );
    assert!(
        of("a.out", None)
            .unwrap_err()
            .contains("unknown file name extension")
    );
    assert!(
        of("a.json", None)
            .unwrap_err()
            .contains("end the name in .jsonl")
    );
    let standard = output_format(&request(Port::Standard, None)).unwrap();
    assert_eq!(standard, (Format::Csv, Compression::None));
    let mut resumed = request(Port::Standard, None);
    assert_eq!(sink_file(&resumed).unwrap(), None);
    resumed.resume = true;
    assert!(
        sink_file(&resumed)
            .unwrap_err()
            .to_string()
            .contains("cannot be resumed")
    );
    let folder = request(Port::File(std::env::temp_dir()), None);
    assert!(
        sink_file(&folder)
            .unwrap_err()
            .to_string()
            .contains("is not a file; write to stdout")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Wherever a run is interrupted, and however often, it ends with the bytes of one that is not.
    #[test]
    fn a_resumed_run_writes_the_same_bytes(
        count in 0..60_usize,
        stops in prop::collection::vec(0..60_usize, 1..4),
        format in prop::sample::select(vec![Format::Csv, Format::Jsonl, Format::Parquet]),
    ) {
        let text = rows(count);
        let whole = Out::of(format);
        let expected = whole.write(source(&text), false, &Interrupt::default()).unwrap();
        let out = Out::of(format);
        for left in stops {
            let interrupt = Interrupt::default();
            let how = Break::Interrupt(interrupt.clone());
            let broken = Box::new(Breaking { inner: source(&text), left, how });
            let Err(error) = out.write(broken, true, &interrupt) else {
                break; // it had come to the end
            };
            prop_assert_eq!(code(&error), Exit::Interrupted);
            prop_assert!(!out.names().contains(&"out".to_owned()));
        }
        let scored = out.write(source(&text), true, &Interrupt::default()).unwrap();
        prop_assert_eq!(out.files(), whole.files());
        prop_assert_eq!(
            (scored.rows, scored.rejected, scored.failed),
            (expected.rows, expected.rejected, expected.failed)
        );
    }
}
