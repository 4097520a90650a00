//! Tests of the nlp page: made-up data of two classes and of 77, hostile text.

use super::*;
use crate::report::check::{self, Draw, fault};
use models::metrics::calibration::calibration;
use models::metrics::classification::{confidence, majority, measure, most_wrong, roc_curve};
use models::metrics::precision_recall::pr_curve;

fn page(report: &NlpReport) -> String {
    super::page(report).render()
}

/// Labels and probabilities of a model that is mostly right; class c leans to c + 1.
fn scores(classes: usize, rows: usize, strength: f64) -> (Vec<u32>, Vec<f64>) {
    let mut draw = Draw::new(7);
    let (mut actual, mut probabilities) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        let class = draw.below(classes as u64) as usize;
        let mut weights: Vec<f64> = (0..classes).map(|_| (draw.unit() * 3.0).exp()).collect();
        weights[class] *= (draw.unit() * strength).exp();
        weights[(class + 1) % classes] *=
            (draw.unit() * 0.35 * strength * ((class % 7) as f64 / 6.0)).exp();
        let total: f64 = weights.iter().sum();
        actual.push(class as u32);
        probabilities.extend(weights.iter().map(|weight| weight / total));
    }
    (actual, probabilities)
}

fn report(
    names: &[String],
    actual: &[u32],
    probabilities: &[f64],
    texts: &dyn Fn(usize) -> String,
) -> NlpReport {
    let width = probabilities.len() / actual.len();
    let result = measure(names, actual, probabilities);
    let answer = |row: usize| {
        let line = &probabilities[row * width..][..width];
        let class = models::metrics::classification::most_probable(line);
        (names[class].clone(), line[class])
    };
    let mistake = |row: usize| Mistake {
        row: row as u64 + 1,
        text: texts(row),
        actual: names[actual[row] as usize].clone(),
        predicted: answer(row).0,
        probability: answer(row).1,
    };
    let positive: Vec<bool> = actual.iter().map(|&class| class == 1).collect();
    let second: Vec<f64> = probabilities.chunks(width).map(|line| line[1]).collect();
    NlpReport {
        baseline: Some(majority(names, &vec![1.0 / width as f64; width], actual)),
        result: Some(result),
        roc: if width == 2 {
            roc_curve(&positive, &second, 200)
        } else {
            Vec::new()
        },
        precision_recall: match width {
            2 => pr_curve(&positive, &second, 200),
            _ => Vec::new(),
        },
        calibration: calibration(actual, probabilities, 15),
        intervals: None,
        confidence: Some(confidence(actual, probabilities, 20)),
        top_words: names[..width].iter().enumerate().map(words).collect(),
        mistakes: most_wrong(actual, probabilities, 20)
            .into_iter()
            .map(mistake)
            .collect(),
        train_rows: Some(6920),
        test_rows: Some(actual.len() as u64),
        features: Some(48_213),
        slices: vec![SliceTable {
            by: names[0].clone(),
            parts: vec![SlicePart {
                value: names[1].clone(),
                rows: 7,
                accuracy: 0.75,
                log_loss: 0.5,
            }],
        }],
        trials: vec![Trial {
            settings: "plain weighting, n-grams of 1 to 2 words, C 10".to_owned(),
            accuracy: 0.8125,
            log_loss: 0.4,
            chosen: true,
        }],
    }
}

fn words((class, name): (usize, &String)) -> TopWords {
    let list = [
        "brilliant",
        "a delight",
        "moving",
        "not bad",
        "touching",
        "heart",
        "enjoyable",
        "fun",
        "one of the best",
    ];
    let more = [
        "unsentimental",
        "the screenplay",
        "warm",
        "well acted",
        "funniest",
        "gem",
        "never shown",
    ];
    let weight = |index: usize| (4.2 - 0.3 * class as f64 % 2.0) / (1.0 + index as f64 * 0.17);
    let words = list
        .iter()
        .chain(&more)
        .enumerate()
        .map(|(index, word)| (word.to_string(), weight(index)));
    TopWords {
        class: name.clone(),
        words: words.collect(),
    }
}

fn sentences(row: usize) -> String {
    let starts = [
        "a gorgeous, witty, seductive movie",
        "the plot is nothing but boilerplate clich\u{e9}s from start to finish",
    ];
    let ends = [
        "and yet it never quite comes together, for all the charm of its leads",
        "though anyone who sat through the first will find more of the same here, at greater length, with fewer jokes, a \
         worse ending, and a running time that makes one wish for the comparatively brisk pleasures of a tax return; \
         still, the music is very good indeed and the photography, in patches, is better than it has any need to be",
        "in a word : no .",
    ];
    format!("{} , {}", starts[row % 2], ends[row % 3])
}

fn two() -> NlpReport {
    let (actual, probabilities) = scores(2, 1821, 5.0);
    report(
        &["negative".into(), "positive".into()],
        &actual,
        &probabilities,
        &sentences,
    )
}

fn many() -> NlpReport {
    let stems = [
        "card_arrival",
        "card_payment_wrong_exchange_rate",
        "pending_top_up",
        "refund_not_showing_up",
        "lost_or_stolen_card",
    ];
    let names: Vec<String> = (0..77)
        .map(|class| format!("{}_{class}", stems[class % 5]))
        .collect();
    let (actual, probabilities) = scores(77, 3080, 10.0);
    report(&names, &actual, &probabilities, &sentences)
}

fn some(classes: usize) -> NlpReport {
    let topics = [
        "World",
        "Sports",
        "Business",
        "Science and technology",
        "Health",
        "Arts",
        "Opinion",
        "Travel",
    ];
    let names: Vec<String> = (0..classes)
        .map(|class| {
            format!(
                "{}{}",
                topics[class % 8],
                if class < 8 { "" } else { " II" }
            )
        })
        .collect();
    let (actual, probabilities) = scores(classes, 2000, 7.0);
    report(&names, &actual, &probabilities, &sentences)
}

/// Labels and texts that try to break out, and two labels the model has never seen.
fn hostile() -> NlpReport {
    let names = [
        "<script>alert('x')</script>".to_owned(),
        "\"quoted\" & 'single'".to_owned(),
        "\u{1F642}\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}".to_owned(),
        "\u{5E9}\u{5DC}\u{5D5}\u{5DD} \u{202E}abc".to_owned(),
        "long".repeat(1250),
        String::new(),
        "zero\0\u{1b}[31m\n\ttab]]>-->".to_owned(),
        "</style><img src=x onerror=y>".to_owned(),
    ];
    let (mut actual, probabilities) = scores(6, 300, 6.0);
    actual.iter_mut().step_by(40).for_each(|class| *class = 6);
    actual[41] = 7;
    let mut report = report(&names, &actual, &probabilities, &|row| {
        format!("{} {}", names[row % 8], names[(row + 1) % 8])
    });
    report.top_words[0].words = vec![("<b>&".into(), -1.5), (String::new(), f64::NAN)];
    report
}

#[test]
fn pages_are_well_formed_and_self_contained() {
    for (name, report) in [
        ("two", two()),
        ("many", many()),
        ("four", some(4)),
        ("twelve", some(12)),
        ("twenty", some(20)),
        ("hostile", hostile()),
    ] {
        check::page(&format!("nlp-{name}"), || super::page(&report));
    }
}

#[test]
fn hostile_labels_stay_text() {
    let html = page(&hostile());
    assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
    assert!(
        html.contains("<bdi>\u{5E9}\u{5DC}\u{5D5}\u{5DD} \u{202E}abc</bdi>"),
        "isolated, so the override ends there"
    );
    assert!(html.contains("zero\u{2400}\u{241B}[31m tab"));
    assert!(
        !html.contains(&"long".repeat(80)),
        "5,000 characters are cut"
    );
    assert!(html.contains("(empty)"));
    assert!(html.contains("(not in training)") && html.contains("which counts as wrong"));
    assert!(!html.contains("NaN"));
}

#[test]
fn each_figure_is_shown_with_its_baseline() {
    let html = page(&two());
    assert_eq!(html.matches("majority baseline ").count(), 4);
    let result = two().result.unwrap();
    assert!(html.contains(&format!(
        "<p class=\"value\">{:.2} %</p>",
        result.accuracy * 100.0
    )));
    let alone = page(&NlpReport {
        baseline: None,
        ..two()
    });
    assert!(alone.contains("no baseline") && !alone.contains("majority baseline"));
}

#[test]
fn many_classes_are_all_in_the_table_worst_first() {
    let report = many();
    let html = page(&report);
    let table = html
        .split("<table class=\"classes\">")
        .nth(1)
        .unwrap()
        .split("</table>")
        .next()
        .unwrap();
    assert_eq!(table.matches("<th scope=\"row\"").count(), 77);
    let f1: Vec<f64> = classifier::worst_first(report.result.as_ref().unwrap())
        .into_iter()
        .map(|class| report.result.as_ref().unwrap().classes[class].f1)
        .collect();
    assert!(f1.windows(2).all(|pair| pair[0] <= pair[1]));
    assert!(html.contains("The 12 classes with the lowest F1; 65 more are not shown."));
    assert!(html.contains("Most confused pairs: 20 of "));
}

#[test]
fn classes_without_rows_and_pages_without_results() {
    let names: Vec<String> = ["a", "b", "c"].map(String::from).to_vec();
    let report = NlpReport {
        result: Some(measure(&names, &[0, 0], &[1.0, 0.0, 0.0, 1.0, 0.0, 0.0])),
        ..NlpReport::default()
    };
    let html = page(&report);
    assert_eq!(fault(&html), None);
    assert!(html.contains("<bdi>c</bdi></th><td class=\"n\">0</td><td class=\"n\">0.000</td>"));
    assert!(!html.contains("ROC AUC"), "undefined, so left out");
    let empty = page(&NlpReport::default());
    assert_eq!(fault(&empty), None);
    assert!(empty.contains("there are no metrics"));
    let no_rows = NlpReport {
        result: Some(measure(&names, &[], &[])),
        ..NlpReport::default()
    };
    assert_eq!(fault(&page(&no_rows)), None);
}

#[test]
fn slices_and_trials_have_tables() {
    let html = page(&two());
    assert!(html.contains("Where it does better or worse") && html.contains("75.0"));
    assert!(html.contains("plain weighting, n-grams of 1 to 2 words, C 10"));
    assert!(html.contains(">chosen<"));
    let without = page(&NlpReport::default());
    assert!(!without.contains("What was tried") && !without.contains("better or worse"));
}
