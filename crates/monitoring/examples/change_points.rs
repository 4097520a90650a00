//! F1 of change points on series with marked changes, as Van den Burg and Williams, "An evaluation
//! of change point detection algorithms" (2020), define it: margin 5, the start of a series counted
//! as a change by all, recall as the mean over the people who marked, precision over all their marks.
//!
//! ```text
//! cargo run --release -p easylife-monitoring --example change_points -- FOLDER
//! ```
//! FOLDER is `river/drift/datasets` of the wheel river==0.26.1. Columns of a series are watched each
//! by itself; what is found in any of them counts.

use std::collections::BTreeSet;
use std::path::Path;

use monitoring::drift::changes::{PageHinkley, PageHinkleyOptions, SegmentOptions, change_points};

/// File, columns, and what each of five people marked (from the `.py` beside each file).
type Series = (&'static str, &'static [usize], &'static [&'static [usize]]);

const SERIES: [Series; 7] = [
    (
        "airline_passengers",
        &[1],
        &[&[299], &[], &[302], &[326, 382], &[296]],
    ),
    (
        "apple",
        &[1, 2, 3, 4, 5, 6],
        &[
            &[319],
            &[319],
            &[319],
            &[53, 90, 197, 276, 319, 403, 463, 535],
            &[319],
        ],
    ),
    (
        "bitcoin",
        &[1],
        &[
            &[502, 580, 702, 747],
            &[583],
            &[597],
            &[522, 579, 591, 629, 703, 747, 760],
            &[93, 522, 540, 701, 747, 760, 772],
        ],
    ),
    (
        "brent_crude_oil",
        &[1],
        &[
            &[219, 230, 288],
            &[227, 381],
            &[86, 219, 230, 279, 375],
            &[169, 172, 217, 228, 287, 368, 382, 389, 409],
            &[170, 180, 219, 229, 246, 271, 286, 379, 409, 444, 483],
        ],
    ),
    (
        "occupancy",
        &[1, 2, 3, 4],
        &[
            &[238, 416],
            &[53, 143, 238, 417],
            &[53, 92, 142, 181, 236, 264, 341, 416, 436, 451, 506],
            &[1, 52, 91, 142, 181, 234, 267, 324, 360, 416, 451, 506],
            &[234, 415],
        ],
    ),
    (
        "run_log",
        &[1, 2],
        &[
            &[60, 96, 114, 174, 204, 240, 258, 317],
            &[60, 96, 114, 177, 204, 240, 258, 317],
            &[60, 96, 114, 174, 204, 240, 258, 317],
            &[2, 60, 96, 114, 174, 204, 240, 258, 317],
            &[],
        ],
    ),
    (
        "uk_coal_employment",
        &[1],
        &[
            &[15, 28, 45, 60, 68, 80],
            &[18, 47, 81],
            &[],
            &[15, 27, 46, 68, 81],
            &[19, 28, 45, 68, 80],
        ],
    ),
];

const MARGIN: usize = 5;

/// Marks that a found change is within the margin of; each found change serves one mark.
fn hits(marks: &BTreeSet<usize>, found: &BTreeSet<usize>) -> usize {
    let mut left = found.clone();
    let mut hits = 0;
    for mark in marks {
        let near = left
            .iter()
            .copied()
            .filter(|at| at.abs_diff(*mark) <= MARGIN);
        if let Some(at) = near.min_by_key(|at| at.abs_diff(*mark)) {
            left.remove(&at);
            hits += 1;
        }
    }
    hits
}

fn f1(people: &[&[usize]], found: &BTreeSet<usize>) -> f64 {
    let with_start = |marks: &[usize]| marks.iter().copied().chain([0]).collect::<BTreeSet<_>>();
    let found = found.iter().copied().chain([0]).collect();
    let people: Vec<BTreeSet<usize>> = people.iter().map(|marks| with_start(marks)).collect();
    let all: BTreeSet<usize> = people.iter().flatten().copied().collect();
    let precision = hits(&all, &found) as f64 / found.len() as f64;
    let recalls = people
        .iter()
        .map(|marks| hits(marks, &found) as f64 / marks.len() as f64);
    let recall = recalls.sum::<f64>() / people.len() as f64;
    2.0 * precision * recall / (precision + recall)
}

fn column(path: &Path, column: usize) -> Vec<f64> {
    let mut reader = csv::Reader::from_path(path).expect("a readable file");
    let rows = reader.records().map(|row| row.expect("a valid row"));
    rows.map(|row| row[column].parse().expect("a number"))
        .collect()
}

fn page_hinkley(series: &[f64], found: &mut BTreeSet<usize>, onset: bool) {
    let mut watch = PageHinkley::new(PageHinkleyOptions::default());
    let changes = series.iter().filter_map(|&value| watch.add(value));
    found.extend(changes.map(|change| if onset { change.since } else { change.found_at } as usize));
}

fn main() {
    let folder = std::env::args().nth(1).expect("a folder as argument");
    println!(
        "{:20} {:>14} {:>14} {:>14} {:>14}",
        "", "change_points", "PH onset", "PH alarm", "none"
    );
    let mut sums = [0.0; 4];
    for (name, columns, people) in SERIES {
        let path = Path::new(&folder).join(format!("{name}.csv"));
        let mut found: [BTreeSet<usize>; 4] = Default::default();
        for &index in columns {
            let series = column(&path, index);
            let changes = change_points(&series, &SegmentOptions::default());
            found[0].extend(changes.iter().map(|change| change.at));
            page_hinkley(&series, &mut found[1], true);
            page_hinkley(&series, &mut found[2], false);
        }
        let scores = found.each_ref().map(|found| f1(people, found));
        sums.iter_mut()
            .zip(scores)
            .for_each(|(sum, score)| *sum += score / SERIES.len() as f64);
        let cells = scores
            .iter()
            .zip(&found)
            .map(|(score, found)| format!("{score:8.3} ({:3})", found.len()));
        println!("{name:20} {}", cells.collect::<Vec<_>>().join(" "));
    }
    println!(
        "{:20} {}",
        "mean",
        sums.map(|sum| format!("{sum:8.3}      ")).join(" ")
    );
}
