//! Estimates beside what turned out, on the data of the wheel of nannyml 0.13.1: `cargo run --release
//! -p easylife-monitoring --example known_performance FOLDER`, where FOLDER is its
//! `nannyml/datasets/data`.

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;

use models::trees::Column;
use monitoring::performance::cbpe::Cbpe;
use monitoring::performance::figures::Performance;
use monitoring::performance::loss::{self, ErrorModelOptions, Frame};
use monitoring::performance::realised;
use monitoring::performance::scores::{Labelled, Scores, Window};
use monitoring::performance::thresholds::DEFAULT_RATE;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const LEVEL: f64 = 0.95;
const SEED: u64 = 42;

fn main() -> Result<()> {
    let folder = std::env::args()
        .nth(1)
        .ok_or("name the folder of the data")?;
    let folder = Path::new(&folder);
    rayon_of_one()?;
    car_loan(folder)?;
    sample(folder)?;
    many_classes(folder)?;
    car_price(folder)
}

/// Seconds of CPU time of this process so far (user and system; Linux counts hundredths).
fn cpu_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = |field: usize| -> Result<f64> {
        let field = fields
            .split(' ')
            .nth(field)
            .ok_or("no such field of /proc/self/stat")?;
        Ok(field.parse()?)
    };
    // The fields 14 and 15, of which two come before the closing bracket.
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

/// One thread, as in a container with one core.
fn rayon_of_one() -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    Ok(pool.build_global()?)
}

/// A table as columns of text.
struct Table(HashMap<String, Vec<String>>);

impl Table {
    fn read(path: &Path) -> Result<Table> {
        let mut reader = csv::Reader::from_path(path)?;
        let header: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
        let mut columns: Vec<Vec<String>> = vec![Vec::new(); header.len()];
        for record in reader.records() {
            for (column, cell) in columns.iter_mut().zip(&record?) {
                column.push(cell.to_owned());
            }
        }
        Ok(Table(header.into_iter().zip(columns).collect()))
    }

    fn column(&self, name: &str) -> Result<&[String]> {
        let column = self
            .0
            .get(name)
            .ok_or_else(|| format!("no column `{name}`"))?;
        Ok(column)
    }

    fn numbers(&self, name: &str) -> Result<Vec<f64>> {
        let parse = |cell: &String| Ok(cell.parse()?);
        self.column(name)?.iter().map(parse).collect()
    }

    fn codes(&self, name: &str, names: &mut Vec<String>) -> Result<Vec<u32>> {
        let mut code = |cell: &String| {
            let known = names.iter().position(|name| name == cell);
            known.unwrap_or_else(|| {
                names.push(cell.clone());
                names.len() - 1
            }) as u32
        };
        Ok(self.column(name)?.iter().map(&mut code).collect())
    }
}

/// Rows with scores, predictions and labels.
struct Rows {
    scores: Scores,
    predictions: Vec<u32>,
    targets: Vec<u32>,
}

impl Rows {
    fn len(&self) -> usize {
        self.targets.len()
    }

    fn window(&self) -> Window<'_> {
        Window {
            scores: &self.scores,
            predictions: &self.predictions,
        }
    }

    fn labelled(&self) -> Labelled<'_> {
        Labelled {
            window: self.window(),
            targets: &self.targets,
        }
    }

    fn select(&self, rows: std::ops::Range<usize>) -> Rows {
        let picked: Vec<usize> = rows.clone().collect();
        Rows {
            scores: self.scores.select(&picked),
            predictions: self.predictions[rows.clone()].to_vec(),
            targets: self.targets[rows].to_vec(),
        }
    }
}

fn car_loan(folder: &Path) -> Result<()> {
    let read = |name: &str| Table::read(&folder.join(format!("synthetic_car_loan_{name}.csv")));
    let (reference, analysis, truth) = (
        read("reference")?,
        read("analysis")?,
        read("analysis_target")?,
    );
    let rows = |table: &Table, targets: Vec<f64>| -> Result<Rows> {
        Ok(Rows {
            scores: Scores::binary(&table.numbers("y_pred_proba")?)?,
            predictions: table.numbers("y_pred")?.iter().map(|&y| y as u32).collect(),
            targets: targets.iter().map(|&y| y as u32).collect(),
        })
    };
    let reference = rows(&reference, reference.numbers("repaid")?)?;
    let analysis = rows(&analysis, truth.numbers("repaid")?)?;
    classes("car loan", &reference, &analysis, 5000)
}

fn sample(folder: &Path) -> Result<()> {
    let read = |name: &str| Table::read(&folder.join(format!("synthetic_sample_{name}.csv")));
    let (reference, analysis, truth) =
        (read("reference")?, read("analysis")?, read("analysis_gt")?);
    let rows = |table: &Table, targets: Vec<f64>| -> Result<Rows> {
        let scores = table.numbers("y_pred_proba")?;
        Ok(Rows {
            predictions: scores
                .iter()
                .map(|&score| u32::from(score >= 0.5))
                .collect(),
            scores: Scores::binary(&scores)?,
            targets: targets.iter().map(|&y| y as u32).collect(),
        })
    };
    let reference = rows(&reference, reference.numbers("work_home_actual")?)?;
    let analysis = rows(&analysis, truth.numbers("work_home_actual")?)?;
    classes("synthetic sample", &reference, &analysis, 5000)
}

fn many_classes(folder: &Path) -> Result<()> {
    let read = |name: &str| Table::read(&folder.join(format!("mc_{name}.csv")));
    let (reference, analysis, truth) =
        (read("reference")?, read("analysis")?, read("analysis_gt")?);
    let prefix = "y_pred_proba_";
    let header = reference
        .0
        .keys()
        .filter_map(|name| name.strip_prefix(prefix));
    let mut names: Vec<String> = header.map(str::to_owned).collect();
    names.sort();
    let rows = |table: &Table, truth: &Table| -> Result<Rows> {
        let columns: Result<Vec<Vec<f64>>> = { names.iter() }
            .map(|name| table.numbers(&format!("{prefix}{name}")))
            .collect();
        let columns = columns?;
        let row = |row: usize| columns.iter().map(move |column| column[row]);
        Ok(Rows {
            scores: Scores::new(names.len(), (0..columns[0].len()).flat_map(row).collect())?,
            predictions: table.codes("y_pred", &mut names.clone())?,
            targets: truth.codes("y_true", &mut names.clone())?,
        })
    };
    let reference = rows(&reference, &reference)?;
    let analysis = rows(&analysis, &truth)?;
    classes("several classes", &reference, &analysis, 5000)
}

/// Estimates by chunk beside what turned out.
fn classes(name: &str, reference: &Rows, analysis: &Rows, size: usize) -> Result<()> {
    let chunks: Vec<Rows> = (0..analysis.len() / size)
        .map(|chunk| analysis.select(chunk * size..(chunk + 1) * size))
        .collect();
    let start = cpu_seconds()?;
    let cbpe = Cbpe::fit(&reference.labelled(), SEED)?;
    let thresholds = cbpe.reference().thresholds(size, DEFAULT_RATE, SEED)?;
    let estimated: Vec<Performance> = { chunks.iter() }
        .map(|chunk| cbpe.estimate(&chunk.window(), LEVEL))
        .collect::<std::result::Result<_, _>>()?;
    let seconds = cpu_seconds()? - start;
    let realised: Vec<Performance> = { chunks.iter() }
        .map(|chunk| realised::measure(&chunk.labelled(), LEVEL))
        .collect::<std::result::Result<_, _>>()?;
    let profile = serde_json::to_string(&cbpe)?.len();
    let used = cbpe.curves().iter().filter(|curve| curve.is_used()).count();
    println!(
        "{name}: {} chunks of {size}, {seconds:.2} CPU s, profile of {profile} bytes, {used} of {} curves used",
        chunks.len(),
        cbpe.curves().len()
    );
    println!(
        "  metric                mean |error|   largest   inside   alerts as realised   alerts"
    );
    for threshold in &thresholds {
        let pairs = estimated
            .iter()
            .zip(&realised)
            .filter_map(|(estimated, realised)| {
                let class = threshold.class;
                let estimated = estimated.get(threshold.metric, class)?;
                Some((estimated, realised.get(threshold.metric, class)?.value))
            });
        let pairs: Vec<_> = pairs.collect();
        let errors: Vec<f64> = pairs.iter().map(|(e, r)| (e.value - r).abs()).collect();
        let inside = pairs
            .iter()
            .filter(|(e, r)| (e.low..=e.high).contains(r))
            .count();
        let alert = |value: f64| threshold.alert(value).is_some();
        let same = pairs
            .iter()
            .filter(|(e, r)| alert(e.value) == alert(*r))
            .count();
        let alerts = pairs.iter().filter(|(_, r)| alert(*r)).count();
        let class = threshold
            .class
            .map_or(String::new(), |class| class.to_string());
        println!(
            "  {:<18} {class:>2} {:>13.5} {:>9.4} {inside:>5}/{} {same:>13}/{} {alerts:>14}",
            threshold.metric.name(),
            errors.iter().sum::<f64>() / errors.len() as f64,
            errors.iter().copied().fold(0.0, f64::max),
            pairs.len(),
            pairs.len(),
        );
    }
    Ok(())
}

/// Features and predictions of cars.
struct Cars {
    numbers: Vec<Vec<f64>>,
    categories: Vec<Vec<u32>>,
    predictions: Vec<f64>,
    actual: Vec<f64>,
}

impl Cars {
    fn frame(&self, rows: std::ops::Range<usize>) -> Frame<'_> {
        let numbers = self
            .numbers
            .iter()
            .map(|values| Column::F64(&values[rows.clone()]));
        let categories = self.categories.iter();
        let categories = categories.map(|codes| Column::Categories(&codes[rows.clone()]));
        Frame {
            columns: numbers.chain(categories).collect(),
            predictions: &self.predictions[rows.clone()],
        }
    }
}

fn car_price(folder: &Path) -> Result<()> {
    let read = |name: &str| Table::read(&folder.join(format!("regression_synthetic_{name}.csv")));
    let (reference, analysis, truth) = (
        read("reference")?,
        read("analysis")?,
        read("analysis_targets")?,
    );
    let mut names = [Vec::new(), Vec::new()];
    let mut cars = |table: &Table, truth: &Table| -> Result<Cars> {
        let numbers = [
            "car_age",
            "km_driven",
            "price_new",
            "accident_count",
            "door_count",
        ];
        let categories = ["fuel", "transmission"].into_iter().zip(&mut names);
        Ok(Cars {
            numbers: { numbers.iter() }
                .map(|name| table.numbers(name))
                .collect::<Result<_>>()?,
            categories: categories
                .map(|(name, names)| table.codes(name, names))
                .collect::<Result<_>>()?,
            predictions: table.numbers("y_pred")?,
            actual: truth.numbers("y_true")?,
        })
    };
    let reference = cars(&reference, &reference)?;
    let analysis = cars(&analysis, &truth)?;
    let (size, all) = (6000, reference.actual.len());
    let start = cpu_seconds()?;
    let options = ErrorModelOptions {
        seed: SEED,
        ..ErrorModelOptions::default()
    };
    let model = options.fit(&reference.frame(0..all), &reference.actual)?;
    let fitted = cpu_seconds()? - start;
    let thresholds = model.reference().thresholds(size, DEFAULT_RATE)?;
    let chunks = (0..analysis.actual.len() / size).map(|chunk| chunk * size..(chunk + 1) * size);
    let chunks: Vec<_> = chunks.collect();
    let estimated: Vec<loss::Losses> = { chunks.iter() }
        .map(|chunk| model.estimate(&analysis.frame(chunk.clone()), LEVEL))
        .collect::<std::result::Result<_, _>>()?;
    println!(
        "car price: {} chunks of {size}, {:.2} CPU s, of which fit {fitted:.2}",
        chunks.len(),
        cpu_seconds()? - start
    );
    for threshold in &thresholds {
        let pairs = estimated
            .iter()
            .zip(&chunks)
            .filter_map(|(estimated, chunk)| {
                let (predicted, actual) = (
                    &analysis.predictions[chunk.clone()],
                    &analysis.actual[chunk.clone()],
                );
                let realised = loss::measure(predicted, actual, LEVEL).ok()?;
                Some((
                    *estimated.get(threshold.loss)?,
                    realised.get(threshold.loss)?.value,
                ))
            });
        let pairs: Vec<(loss::LossFigure, f64)> = pairs.collect();
        let errors: Vec<f64> = pairs.iter().map(|(e, r)| (e.value - r).abs()).collect();
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        let realised = pairs.iter().map(|(_, r)| r).sum::<f64>() / errors.len() as f64;
        let inside = pairs
            .iter()
            .filter(|(e, r)| (e.low..=e.high).contains(r))
            .count();
        let alert = |value: f64| threshold.alert(value).is_some();
        let same = pairs
            .iter()
            .filter(|(e, r)| alert(e.value) == alert(*r))
            .count();
        let alerts = pairs.iter().filter(|(_, r)| alert(*r)).count();
        println!(
            "  {:<6} mean |error| {mean:.4} of {realised:.4} ({:.2} %), largest {:.4}, inside {inside}/{}, alerts as realised {same}/{}, alerts {alerts}",
            format!("{:?}", threshold.loss),
            100.0 * mean / realised,
            errors.iter().copied().fold(0.0, f64::max),
            pairs.len(),
            pairs.len(),
        );
    }
    Ok(())
}
