//! The same table in every format, compressed or not, as a file, a stream and a folder.

use std::fs::File;
use std::path::{Path, PathBuf};

use easylife_tables::blocks::Blocks;
use easylife_tables::{
    Column, Compression, Format, Kind, RATING_COLUMNS, Row, Source, create, create_spool,
    jsonl_to_parquet, open, open_as, read_ratings, read_texts,
};
use proptest::prelude::*;

/// Names that say every format and compression.
const NAMES: [&str; 10] = [
    "t.csv",
    "t.csv.gz",
    "t.csv.zst",
    "t.tsv",
    "t.tsv.gz",
    "t.jsonl",
    "t.ndjson",
    "t.jsonl.gz",
    "t.jsonl.zst",
    "t.parquet",
];

type Cells = Vec<(Kind, String)>;

fn row(cells: &[(Kind, &str)]) -> Row {
    let mut row = Row::new();
    cells.iter().for_each(|(kind, text)| row.push(*kind, text));
    row
}

/// Writes a table under a name, which says its format.
fn write(path: &Path, columns: &[Column], rows: &[Row]) {
    let (format, compression) = Format::of_path(path).unwrap();
    let spool = path.with_extension("spool");
    let mut sink = match format {
        Format::Parquet => create_spool(File::create(&spool).unwrap(), columns).unwrap(),
        _ => create(
            File::create(path).unwrap(),
            format,
            compression,
            columns,
            true,
        )
        .unwrap(),
    };
    rows.iter().for_each(|row| sink.write(row).unwrap());
    sink.finish().unwrap();
    if format == Format::Parquet {
        jsonl_to_parquet(&spool, path, columns).unwrap();
        std::fs::remove_file(spool).unwrap();
    }
}

fn rows(source: &mut dyn Source) -> Vec<Cells> {
    let (mut found, mut row) = (Vec::new(), Row::new());
    while source.read(&mut row).unwrap() {
        found.push(
            row.cells()
                .map(|(kind, text)| (kind, text.to_owned()))
                .collect(),
        );
    }
    found
}

/// The texts of all cells; their kinds differ from format to format.
fn texts(rows: &[Cells]) -> Vec<Vec<&str>> {
    let cells = rows.iter().map(|cells| cells.iter());
    cells
        .map(|cells| cells.map(|(_, text)| text.as_str()).collect())
        .collect()
}

/// The texts of a file in blocks.
fn in_blocks(path: &Path) -> Vec<Vec<String>> {
    let mut blocks = Blocks::open(path).unwrap();
    let mut found = Vec::new();
    while let Some(piece) = blocks.next_piece().unwrap() {
        let block = piece.parse(blocks.head());
        assert!(block.bad().is_empty());
        for row in 0..block.rows() {
            found.push(
                (0..block.width())
                    .map(|cell| block.text(row, cell).to_owned())
                    .collect(),
            );
        }
    }
    found
}

fn columns(names: &[&str]) -> Vec<Column> {
    names.iter().map(|&name| Column::new(name)).collect()
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    (dir, path)
}

#[test]
fn texts_with_labels_are_the_same_in_every_format() {
    let (_dir, folder) = folder();
    let table = [
        row(&[(Kind::Text, "good, \"really\"\nfine"), (Kind::Number, "1")]),
        row(&[(Kind::Text, ""), (Kind::Number, "0")]),
        row(&[(Kind::Text, "schlecht\tund naß"), (Kind::Number, "1.0")]),
    ];
    for name in NAMES {
        let path = folder.join(name);
        write(&path, &columns(&["text", "label"]), &table);
        let read = read_texts(open(&path).unwrap().as_mut(), "text", "label", &[]).unwrap();
        assert_eq!(
            read.texts,
            ["good, \"really\"\nfine", "", "schlecht\tund naß"],
            "{name}"
        );
        assert_eq!(
            (read.classes, read.labels),
            (vec!["0".to_owned(), "1".to_owned()], vec![1, 0, 1]),
            "{name}"
        );
    }
}

#[test]
fn interactions_are_the_same_in_every_format() {
    let (_dir, folder) = folder();
    let table = [
        row(&[
            (Kind::Text, "u10"),
            (Kind::Text, "b"),
            (Kind::Number, "4.5"),
            (Kind::Number, "20"),
        ]),
        row(&[
            (Kind::Text, "u9"),
            (Kind::Text, "a"),
            (Kind::Null, ""),
            (Kind::Number, "10"),
        ]),
    ];
    let names = ["user_id", "item_id", "rating", "timestamp"];
    for name in NAMES {
        let path = folder.join(name);
        write(&path, &columns(&names), &table);
        let mut source = open(&path).unwrap();
        let read = read_ratings(source.as_mut(), RATING_COLUMNS, &mut Err).unwrap();
        assert_eq!(read.users, ["u10", "u9"], "{name}");
        assert_eq!(read.items, ["a", "b"], "{name}");
        let rows: Vec<_> = read
            .rows
            .iter()
            .map(|r| (r.user, r.item, r.rating, r.time))
            .collect();
        assert_eq!(
            rows,
            [(0, 1, Some(4.5), 20.0), (1, 0, None, 10.0)],
            "{name}"
        );
    }
}

#[test]
fn a_missing_column_is_named_with_the_nearest() {
    let (_dir, folder) = folder();
    for name in NAMES {
        let path = folder.join(name);
        write(
            &path,
            &columns(&["txet", "label"]),
            &[row(&[(Kind::Text, "a"), (Kind::Text, "b")])],
        );
        let error = read_texts(open(&path).unwrap().as_mut(), "text", "label", &[]).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("`text`") && message.contains("txet"),
            "{name}: {message}"
        );
    }
}

#[test]
fn files_of_a_folder_are_one_table() {
    let (_dir, folder) = folder();
    for (name, text) in [("b.csv", "2"), ("a.jsonl", "1"), ("sub/c.tsv.gz", "3")] {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        write(&path, &columns(&["n"]), &[row(&[(Kind::Text, text)])]);
    }
    std::fs::write(folder.join("notes.md"), "not a table").unwrap();
    let mut source = open(&folder).unwrap();
    assert_eq!(texts(&rows(source.as_mut())), [["1"], ["2"], ["3"]]);
    // One with other columns is refused by name.
    write(&folder.join("d.csv"), &columns(&["m"]), &[]);
    let mut source = open(&folder).unwrap();
    let mut row = Row::new();
    let error = loop {
        match source.read(&mut row) {
            Ok(true) => {}
            Ok(false) => panic!("the columns differ"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(
        error.contains("d.csv") && error.contains("(m)") && error.contains("(n)"),
        "{error}"
    );
}

#[test]
fn what_a_file_holds_must_be_what_its_name_says() {
    let (_dir, folder) = folder();
    let table = [row(&[(Kind::Text, "1")])];
    for (made, named) in [
        ("t.parquet", "x.csv"),
        ("t.csv.gz", "x.csv"),
        ("t.csv", "x.csv.gz"),
        ("t.csv", "x.parquet"),
    ] {
        write(&folder.join(made), &columns(&["n"]), &table);
        std::fs::rename(folder.join(made), folder.join(named)).unwrap();
        let opened = open(&folder.join(named)).map(|mut source| source.read(&mut Row::new()));
        let error = match opened {
            Err(error) | Ok(Err(error)) => error.to_string(),
            Ok(Ok(_)) => panic!("{made} is read as {named}"),
        };
        assert!(error.contains(named), "{made} as {named}: {error}");
    }
    for (name, hint) in [("t.xlsx", "soffice"), ("t.txt", ".csv"), ("t", ".csv")] {
        std::fs::write(folder.join(name), "a").unwrap();
        let error = open(&folder.join(name)).err().unwrap().to_string();
        assert!(error.contains(name) && error.contains(hint), "{error}");
    }
}

#[test]
fn a_stream_is_read_like_a_file() {
    let (_dir, folder) = folder();
    let table = [
        row(&[(Kind::Text, "ä"), (Kind::Text, "")]),
        row(&[(Kind::Text, "b"), (Kind::Text, "2")]),
    ];
    for name in NAMES {
        let path = folder.join(name);
        write(&path, &columns(&["a", "b"]), &table);
        let (format, compression) = Format::of_path(&path).unwrap();
        let stream = Box::new(File::open(&path).unwrap());
        let mut stream = open_as(stream, "stdin", format, compression).unwrap();
        let mut file = open(&path).unwrap();
        assert_eq!(stream.columns().len(), 2, "{name}");
        assert_eq!(rows(stream.as_mut()), rows(file.as_mut()), "{name}");
    }
}

#[test]
fn output_goes_on_after_a_checkpoint() {
    let columns = columns(&["n"]);
    let line = |text: &str| row(&[(Kind::Text, text)]);
    for (format, compression) in [
        (Format::Csv, Compression::None),
        (Format::Jsonl, Compression::Gzip),
        (Format::Tsv, Compression::Zstd),
    ] {
        let (_dir, folder) = folder();
        let path = folder.join("part");
        let mut sink = create(
            File::create(&path).unwrap(),
            format,
            compression,
            &columns,
            true,
        )
        .unwrap();
        sink.write(&line("1")).unwrap();
        sink.checkpoint().unwrap();
        let length = std::fs::metadata(&path).unwrap().len();
        sink.write(&line("lost")).unwrap();
        drop(sink);
        let file = File::options().append(true).open(&path).unwrap();
        file.set_len(length).unwrap();
        let mut sink = create(file, format, compression, &columns, false).unwrap();
        sink.write(&line("2")).unwrap();
        sink.finish().unwrap();
        let input = Box::new(File::open(&path).unwrap());
        let mut source = open_as(input, "part", format, compression).unwrap();
        assert_eq!(
            texts(&rows(source.as_mut())),
            [["1"], ["2"]],
            "{format:?} {compression:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whatever the texts, each format gives them back, row by row and in blocks.
    #[test]
    fn any_table_comes_back_from_any_format(
        table in prop::collection::vec(prop::collection::vec("[ -~äß\u{4e2d}\n\t\"]{0,8}", 3), 1..8),
        name in prop::sample::select(NAMES.to_vec()),
    ) {
        let (_dir, folder) = folder();
        let path = folder.join(name);
        let made: Vec<Row> = table
            .iter()
            .map(|cells| row(&cells.iter().map(|text| (Kind::Text, text.as_str())).collect::<Vec<_>>()))
            .collect();
        write(&path, &columns(&["first", "second", "third"]), &made);
        let read = rows(open(&path).unwrap().as_mut());
        prop_assert_eq!(texts(&read), table.clone(), "{}", name);
        prop_assert_eq!(in_blocks(&path), table, "{}", name);
    }
}
