//! Decides whether the first line of a table names its columns or is a row of data, from the rows
//! below it, never from the names alone.

use super::super::input::Input;
use super::super::{Column, Row, Source, clock};
use super::Csv;

/// Number of rows below the first line that are examined.
const ROWS: usize = 200;

/// The cells of the first line, if it looks like a row of data.
pub(super) fn names_of_data(csv: &Csv) -> Option<Vec<String>> {
    if !csv.syntax.header {
        return None;
    }
    let names = match csv.columns.is_empty() {
        true => cells_of_record(csv),
        false => csv
            .columns
            .iter()
            .map(|column| column.name.clone())
            .collect(),
    };
    let rows = rows_below(csv, names.len());
    is_data(&names, &rows).then_some(names)
}

fn cells_of_record(csv: &Csv) -> Vec<String> {
    let mut start = 0;
    let ends = csv.ends[..csv.cells].iter();
    let cells = ends.map(|&end| {
        let cell = String::from_utf8_lossy(&csv.text[start..end]).into_owned();
        start = end;
        cell
    });
    cells.collect()
}

/// The first rows below, as far as they are buffered.
fn rows_below(csv: &Csv, width: usize) -> Vec<Vec<String>> {
    let bytes = csv.input.buffered();
    // The last one may be incomplete.
    let end = memchr::memrchr2(b'\n', b'\r', bytes).map_or(bytes.len(), |end| end + 1);
    let columns = (0..width).map(|number| Column::new(number.to_string()));
    let input = Input::middle(bytes[..end].to_vec(), "", false);
    let mut csv = Csv::resume(input, csv.syntax, columns.collect(), 1);
    let (mut rows, mut row) = (Vec::new(), Row::new());
    while rows.len() < ROWS {
        match csv.read(&mut row) {
            Ok(true) => rows.push(
                row.cells()
                    .map(|(_, text)| text.trim().to_owned())
                    .collect(),
            ),
            Err(error) if error.is_record() => {}
            Ok(false) | Err(_) => break,
        }
    }
    rows
}

/// What a column suggests about the cell above it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    /// A name: not a number (or time) although all cells below are.
    Name,
    /// A cell of data: it recurs, or is a date or text like the others.
    Data,
    /// A whole number like those below, where it may recur: data, unless the names form a sequence.
    Number,
    NumberAgain,
    Nothing,
}

/// True if a column suggests data, and none suggests a name.
fn is_data(names: &[String], rows: &[Vec<String>]) -> bool {
    let rows: Vec<&Vec<String>> = rows.iter().filter(|row| *row != names).collect();
    let says = |(column, name): (usize, &String)| {
        let cells: Vec<&str> = rows.iter().map(|row| row[column].as_str()).collect();
        says(name.trim(), &cells)
    };
    let said: Vec<Says> = names.iter().enumerate().map(says).collect();
    if said.contains(&Says::Name) {
        return false;
    }
    let numbers: Vec<i64> = names
        .iter()
        .zip(&said)
        .filter(|(_, said)| matches!(said, Says::Number | Says::NumberAgain))
        .filter_map(|(name, _)| name.trim().parse().ok())
        .collect();
    let of_numbers = match counts_on(&numbers) {
        true => false,
        false => {
            said.contains(&Says::NumberAgain) || numbers.windows(2).any(|pair| pair[0] >= pair[1])
        }
    };
    said.contains(&Says::Data) || of_numbers
}

/// `0,1,2` and `2019,2020,2021` are sequences of column names, not a row.
fn counts_on(numbers: &[i64]) -> bool {
    let mut steps = numbers
        .windows(2)
        .map(|pair| pair[1].saturating_sub(pair[0]));
    match steps.next() {
        None => false,
        Some(step) => {
            step > 0 && steps.all(|other| other == step) && (step == 1 || numbers.len() > 2)
        }
    }
}

fn says(name: &str, cells: &[&str]) -> Says {
    let filled: Vec<&str> = cells
        .iter()
        .copied()
        .filter(|cell| !cell.is_empty())
        .collect();
    if filled.len() < 2 || name.is_empty() {
        return Says::Nothing;
    }
    let nearly_all = |is: &dyn Fn(&str) -> bool| {
        let count = filled.iter().filter(|cell| is(cell)).count();
        10 * count >= 9 * filled.len()
    };
    let is_number = |cell: &str| cell.parse::<f64>().is_ok_and(f64::is_finite);
    let is_date = |cell: &str| !is_number(cell) && clock::looks_like_time(cell);
    let is_long = |cell: &str| cell.len() > 20 && cell.split_whitespace().nth(3).is_some();
    if nearly_all(&is_number) {
        let whole = name.parse::<i64>().is_ok();
        return match is_number(name) {
            false => Says::Name,
            true if whole => match filled.contains(&name) && !repeats_all(name, &filled) {
                true => Says::NumberAgain,
                false => Says::Number,
            },
            true => Says::Data,
        };
    }
    if nearly_all(&is_date) {
        return match is_date(name) {
            true => Says::Data,
            false => Says::Name,
        };
    }
    match (is_long(name) && nearly_all(&is_long)) || filled.contains(&name) {
        true => Says::Data,
        false => Says::Nothing,
    }
}

/// A column that contains only its name's number suggests nothing.
fn repeats_all(name: &str, cells: &[&str]) -> bool {
    cells.iter().all(|cell| *cell == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks_like_data(text: &str) -> bool {
        let mut lines = text.lines().map(|line| {
            let cells = line.split(';').map(str::to_owned);
            cells.collect::<Vec<String>>()
        });
        let names = lines.next().unwrap();
        is_data(&names, &lines.collect::<Vec<_>>())
    }

    #[test]
    fn a_row_is_distinguished_from_names() {
        for text in [
            "a fine film;pos\na bad film;neg\nfine;pos\n",
            "196;242;3;881250949\n186;302;3;891717742\n22;377;1;878887116\n",
            "1;1193;5\n1;661;3\n2;914;3\n",
            "2024-01-01;12.5\n2024-01-02;13\n2024-01-03;11\n",
            "0.5;a\n0.25;b\n0.75;c\n",
            "this is a long text of some words;x\nand this one is a long text as well;y\n\
             so is the third of these long texts;z\n",
            "1;1193\n1;661\n2;914\n",
            "img_1.jpg;sharp\nimg_2.jpg;blurred\nimg_3.jpg;sharp\n",
            "ham;Go until jurong point, crazy\nham;Ok lar\nspam;Free entry in 2 a wkly comp\n",
        ] {
            assert!(looks_like_data(text), "{text}");
        }
        for text in [
            "text;label\na fine film;pos\na bad film;neg\n",
            "id;review;sentiment\n1;fine;pos\n2;bad;neg\n",
            "date;store;y\n2024-01-01;a;1\n2024-01-02;a;2\n",
            "store;2019;2020;2021\na;1;2;3\nb;4;5;6\n",
            "date;1;2;3\n2024-01-01;5;6;1\n2024-01-02;2;9;3\n",
            "item;2024-01-01;2024-02-01\na;3;4\nb;5;6\nc;7;8\n",
            "0;1\n5;6\n7;8\n",
            "item;1;2;3\na;3;4;3\nb;1;2;0\nc;1;9;1\n",
            "what is said of the film in a few words;label\na fine film that I liked a lot;pos\n\
             bad\nneg\n",
            "a;b\n",
            "a;b\nx;y\n",
        ] {
            let text = text.replace("bad\nneg", "bad;neg");
            assert!(!looks_like_data(&text), "{text}");
        }
    }
}
