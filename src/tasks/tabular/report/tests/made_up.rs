//! Made-up results, the same everywhere.

use super::super::*;
use crate::report::check::Draw;
use models::metrics::bootstrap::Interval;
use models::metrics::calibration::calibration;
use models::metrics::classification::{confidence, majority, measure, roc_curve};
use models::metrics::precision_recall::pr_curve;

/// Actual classes and probabilities of a model that is mostly right; the last class is rare.
fn scores(classes: usize, rows: usize) -> (Vec<u32>, Vec<f64>) {
    let mut draw = Draw::new(7);
    let (mut actual, mut probabilities) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        let class = draw.below(classes as u64 + 2) as usize % classes;
        let mut weights: Vec<f64> = (0..classes).map(|_| (draw.unit() * 1.5).exp()).collect();
        weights[class] *= (draw.unit() * 3.0).exp();
        let total: f64 = weights.iter().sum();
        actual.push(class as u32);
        probabilities.extend(weights.iter().map(|weight| weight / total));
    }
    (actual, probabilities)
}

fn classes_part(names: &[&str], rows: usize) -> ClassesPart {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let (actual, probabilities) = scores(names.len(), rows);
    let width = names.len();
    let positive: Vec<bool> = actual.iter().map(|&class| class == 1).collect();
    let second: Vec<f64> = probabilities.chunks(width).map(|line| line[1]).collect();
    let two = width == 2;
    ClassesPart {
        result: measure(&names, &actual, &probabilities),
        baseline: Some(majority(&names, &vec![1.0 / width as f64; width], &actual)),
        intervals: None,
        roc: if two {
            roc_curve(&positive, &second, 200)
        } else {
            Vec::new()
        },
        precision_recall: if two {
            pr_curve(&positive, &second, 200)
        } else {
            Vec::new()
        },
        calibration: calibration(&actual, &probabilities, 15),
        confidence: Some(confidence(&actual, &probabilities, 20)),
        gain: if two {
            gain(&positive, &second)
        } else {
            Vec::new()
        },
        cost: two.then_some(CostPart {
            realised: 2.345,
            of_most_probable: 3.12,
            threshold: Some(0.214),
        }),
    }
}

fn gain(positive: &[bool], scores: &[f64]) -> Vec<GainPoint> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let all = positive.iter().filter(|&&is| is).count() as f64;
    let point = |part: usize| {
        let rows = order.len() * part / 20;
        let found = order[..rows].iter().filter(|&&row| positive[row]).count() as f64;
        let share = rows as f64 / order.len() as f64;
        GainPoint {
            share: part as f64 / 20.0,
            gain: found / all,
            lift: found / all / share,
        }
    };
    (1..=20).map(point).collect()
}

const COLUMNS: [&str; 12] = [
    "contract",
    "tenure_months",
    "monthly_charges",
    "internet_service",
    "payment_method",
    "total_charges",
    "senior_citizen",
    "paperless_billing",
    "number_of_support_calls_in_the_last_twelve_months",
    "tech_support",
    "last_contact",
    "partner",
];

/// What the model relies on: every third column is one of categories.
fn relying(report: TabularReport, names: &[String]) -> TabularReport {
    let mut draw = Draw::new(11);
    let size = |index: usize| 0.9 / (1.0 + index as f64 * 0.45);
    let importance = |(index, name): (usize, &String)| Importance {
        column: name.clone(),
        permutation: Some(Mean {
            value: size(index) * size(index) * 0.08,
            standard_error: 0.0012,
        }),
        contribution: size(index),
    };
    let mut swarm = |(index, name): (usize, &String)| {
        let category = index % 3 == 0;
        let point = |_| {
            let rank = draw.unit();
            let shape = if index % 2 == 0 {
                rank - 0.4
            } else {
                0.5 - rank * rank
            };
            let bump = (draw.unit() - 0.5) * 0.4;
            SwarmPoint {
                contribution: size(index) * (2.0 * shape + bump),
                rank: (!category && draw.below(20) > 0).then_some(rank),
            }
        };
        Swarm {
            column: name.clone(),
            points: (0..300).map(point).collect(),
            low: if category {
                String::new()
            } else {
                "0.5".to_owned()
            },
            high: if category {
                String::new()
            } else {
                "8,684.8".to_owned()
            },
        }
    };
    let column = |(index, name): (usize, &String)| ColumnLine {
        name: name.clone(),
        kind: ["category", "number", "number", "boolean", "id"][index % 5].to_owned(),
        used: index % 5 != 4,
        about: match index % 5 {
            0 => "4 categories, by their training means".to_owned(),
            4 => "a different value in every row; it would be learnt by heart".to_owned(),
            _ => String::new(),
        },
        missing: if index % 4 == 1 {
            0.013 * index as f64
        } else {
            0.0
        },
    };
    TabularReport {
        importance: names.iter().enumerate().map(importance).collect(),
        swarm: names.iter().enumerate().map(&mut swarm).collect(),
        dependence: names.iter().take(4).enumerate().map(depends).collect(),
        interactions: names
            .windows(2)
            .enumerate()
            .map(|(index, pair)| Interaction {
                columns: (pair[0].clone(), pair[1].clone()),
                strength: size(index) * 0.3,
            })
            .collect(),
        columns: names.iter().enumerate().map(column).collect(),
        ..report
    }
}

fn depends((index, name): (usize, &String)) -> Dependence {
    let mut draw = Draw::new(index as u64);
    let share = report_share;
    if index % 3 == 0 {
        let names = ["month-to-month", "one year", "two years", "(missing)"];
        let line = [0.412, 0.113, 0.028, 0.265];
        let point = |_| {
            let category = draw.below(4) as f64;
            (category, 0.9 - category * 0.6 + (draw.unit() - 0.5) * 0.7)
        };
        return Dependence {
            column: name.clone(),
            values: Values::Categories(names.map(str::to_owned).to_vec()),
            points: (0..300).map(point).collect(),
            line: line
                .into_iter()
                .enumerate()
                .map(|(at, mean)| (at as f64, mean))
                .collect(),
        };
    }
    let point = |_| {
        let value = draw.unit() * 72.0;
        (value, 1.2 - value / 30.0 + (draw.unit() - 0.5) * 0.6)
    };
    Dependence {
        column: name.clone(),
        values: Values::Numbers,
        points: (0..300).map(point).chain([(f64::NAN, 0.2)]).collect(),
        line: (0..=20)
            .map(|step| (f64::from(step) * 3.6, share(step)))
            .collect(),
    }
}

fn report_share(step: i32) -> f64 {
    0.55 - 0.4 * f64::from(step) / 20.0
}

fn names(count: usize) -> Vec<String> {
    let name = |index: usize| match index {
        index if index < COLUMNS.len() => COLUMNS[index].to_owned(),
        index => format!("{}_{index}", COLUMNS[index % COLUMNS.len()]),
    };
    (0..count).map(name).collect()
}

/// A report with as many columns.
pub fn columns_of(report: TabularReport, count: usize) -> TabularReport {
    relying(report, &names(count))
}

pub fn sixty() -> TabularReport {
    columns_of(five(), 60)
}

fn trials() -> Vec<Trial> {
    let trial = |name: &str, value, difference: Option<f64>| Trial {
        name: name.to_owned(),
        settings: String::new(),
        loss: Mean {
            value,
            standard_error: 0.0081,
        },
        difference: difference.map(|value| Mean {
            value,
            standard_error: 0.0041,
        }),
        chosen: difference.is_none(),
    };
    vec![
        trial("linear", 0.4277, Some(0.0123)),
        trial("trees", 0.4154, None),
        trial("average", 0.416, Some(0.0006)),
    ]
}

fn slices(metrics: [&str; 2], values: [f64; 2]) -> Vec<SliceTable> {
    let slice = |value: &str, rows| Slice {
        value: value.to_owned(),
        rows,
        metrics: values.map(Some).to_vec(),
    };
    let table = |by: &str, slices| SliceTable {
        by: by.to_owned(),
        metrics: metrics.map(str::to_owned).to_vec(),
        slices,
    };
    vec![
        table(
            "contract",
            vec![slice("month-to-month", 774), slice("one year", 297)],
        ),
        table("senior_citizen", vec![slice("0", 1180), slice("1", 227)]),
    ]
}

fn worst(actual: &str, predicted: &str, miss: Miss) -> Worst {
    let reasons = [
        "contract = two years (\u{2212}1.32)",
        "tenure_months = 70 (\u{2212}0.84)",
        "number_of_support_calls_in_the_last_twelve_months = 0 (\u{2212}0.12)",
    ];
    Worst {
        row: 1042,
        actual: actual.to_owned(),
        predicted: predicted.to_owned(),
        miss,
        reasons: reasons.map(str::to_owned).to_vec(),
    }
}

pub fn two() -> TabularReport {
    let report = TabularReport {
        target: "churn".to_owned(),
        classes: Some(classes_part(&["No", "Yes"], 1407)),
        scales: Scales {
            loss: "log loss".to_owned(),
            contribution: "log-odds of Yes".to_owned(),
            prediction: "probability of Yes".to_owned(),
            shares: true,
        },
        slices: slices(["accuracy", "log loss"], [0.75, 0.4321]),
        trials: trials(),
        worst: vec![worst("Yes", "No", Miss::Probability(0.97)); 3],
        train_rows: Some(5625),
        test_rows: Some(1407),
        ..TabularReport::default()
    };
    columns_of(report, 12)
}

pub fn five() -> TabularReport {
    TabularReport {
        target: "cover_type".to_owned(),
        classes: Some(classes_part(
            &[
                "Spruce/Fir",
                "Lodgepole Pine",
                "Ponderosa Pine",
                "Cottonwood/Willow",
                "Aspen",
            ],
            3000,
        )),
        ..two()
    }
}

pub fn numbers() -> TabularReport {
    let compared = |value, baseline, interval: Option<(f64, f64)>| Compared {
        value,
        baseline: Some(baseline),
        interval: interval.map(|(low, high)| Interval { low, high }),
    };
    let bin = |index: i32| {
        let predicted = 60_000.0 + 22_000.0 * f64::from(index);
        FitBin {
            predicted,
            actual: predicted * (1.04 - 0.006 * f64::from(index)),
            low: predicted * 0.72,
            high: predicted * 1.33,
            rows: 206,
        }
    };
    let count = |bin: i32| {
        let from_middle = f64::from(bin - 14) / 5.0;
        (620.0 * (-from_middle * from_middle / 2.0).exp()) as u64 + u64::from(bin == 29) * 44
    };
    TabularReport {
        target: "median_house_value".to_owned(),
        classes: None,
        numbers: Some(NumbersPart {
            baseline: "training mean".to_owned(),
            rmse: compared(47_210.4, 115_301.7, Some((45_980.0, 48_590.0))),
            mae: compared(31_245.3, 91_127.0, Some((30_500.0, 32_100.0))),
            r2: compared(0.8323, -0.0001, Some((0.821, 0.843))),
            deviance: None,
            coverage_95: Some(0.9462),
            width_95: Some(172_300.0),
            residuals: Some(ResidualBins {
                low: -150_000.0,
                width: 10_000.0,
                counts: (0..30).map(count).collect(),
            }),
            fit: (0..20).map(bin).collect(),
        }),
        scales: Scales {
            loss: "squared error".to_owned(),
            contribution: "median_house_value".to_owned(),
            prediction: "median_house_value".to_owned(),
            shares: false,
        },
        slices: slices(["RMSE", "MAE"], [51_200.0, 33_100.5]),
        worst: vec![worst("500,001", "287,601", Miss::Residual(212_400.0)); 2],
        train_rows: Some(16_512),
        test_rows: Some(4128),
        ..two()
    }
}

pub fn quantiles() -> TabularReport {
    let quantile = |(level, pinball, below)| QuantilePart {
        level,
        pinball,
        baseline: Some(pinball * 2.3),
        below,
    };
    let list = [(0.1, 3.21, 0.108), (0.5, 7.4, 0.538), (0.9, 3.6, 0.898)];
    TabularReport {
        target: "demand".to_owned(),
        numbers: None,
        quantiles: list.into_iter().map(quantile).collect(),
        test_rows: Some(1000),
        ..numbers()
    }
}

/// Names that try to break out.
pub fn hostile() -> TabularReport {
    let names = [
        "<script>alert('x')</script>".to_owned(),
        "\"quoted\" & 'single'".to_owned(),
        "\u{1F642}\u{1F468}\u{200D}\u{1F469}".to_owned(),
        "\u{5E9}\u{5DC}\u{5D5}\u{5DD} \u{202E}abc".to_owned(),
        "long".repeat(1250),
        String::new(),
        "zero\0\u{1b}[31m\n\ttab]]>-->".to_owned(),
        "</style><img src=x onerror=y>".to_owned(),
    ];
    let name = |index: usize| names[index % names.len()].clone();
    let references: Vec<&str> = names.iter().map(String::as_str).collect();
    let report = TabularReport {
        target: name(7),
        classes: Some(classes_part(&references, 500)),
        scales: Scales {
            loss: name(0),
            contribution: name(4),
            prediction: name(1),
            shares: false,
        },
        slices: vec![SliceTable {
            by: name(0),
            metrics: vec![name(1), name(4)],
            slices: vec![Slice {
                value: name(3),
                rows: 1,
                metrics: vec![None, Some(f64::NAN)],
            }],
        }],
        trials: vec![Trial {
            name: name(4),
            settings: name(0),
            ..Trial::default()
        }],
        worst: vec![Worst {
            reasons: names.to_vec(),
            ..worst(&name(4), &name(7), Miss::Residual(f64::INFINITY))
        }],
        dependence: vec![Dependence {
            column: name(4),
            values: Values::Categories(names.to_vec()),
            points: vec![(0.0, 1.0), (4.0, f64::NAN), (99.0, -1.0)],
            line: vec![(5.0, 0.1)],
        }],
        ..two()
    };
    let dependence = report.dependence.clone();
    TabularReport {
        dependence,
        ..relying(report, &names)
    }
}
