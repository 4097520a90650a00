//! Sentences, bars and tables of the page of `cv`.

use super::*;

/// The test vectors of RFC 4648, section 10.
#[test]
fn base64_of_the_standard() {
    let pairs = [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foobar", "Zm9vYmFy"),
    ];
    for (plain, coded) in pairs {
        assert_eq!(base64(plain.as_bytes()), coded);
    }
}

fn report(scores: Vec<(f64, Class)>) -> CvReport {
    let names = Class::names();
    let actual: Vec<u32> = scores
        .iter()
        .map(|(_, class)| class.index() as u32)
        .collect();
    let sharp = |score: f64| if score > 0.0 { 0.9 } else { 0.2 };
    let probabilities = scores.iter().flat_map(|&(score, _)| {
        let mut both = [0.0; 2];
        both[Class::Sharp.index()] = sharp(score);
        both[Class::Blurred.index()] = 1.0 - sharp(score);
        both
    });
    let probabilities: Vec<f64> = probabilities.collect();
    CvReport {
        result: models::metrics::classification::measure(&names, &actual, &probabilities),
        roc_auc: None,
        above_baseline: None,
        baseline: serde_json::json!({"accuracy": 0.5}),
        held_out: Vec::new(),
        kind: Kind::Logistic,
        roc: Vec::new(),
        precision_recall: Vec::new(),
        calibration: Vec::new(),
        parts: Vec::new(),
        scores,
        mistakes: Vec::new(),
        train_rows: 1200,
    }
}

#[test]
fn the_summary_compares_with_the_baseline() {
    let mut report = report(vec![(3.0, Class::Sharp), (1.0, Class::Blurred)]);
    let text = summary(&report);
    assert!(
        text.starts_with("Of 2 test photos, the model (logistic, fitted to 1,200 photos) "),
        "{text}"
    );
    assert!(text.contains("classifies 50.00 % correctly") && text.ends_with("threshold 50.00 %."));
    report.above_baseline = Some(Estimate {
        value: 0.05,
        low: -0.001,
        high: 0.1,
    });
    assert!(summary(&report).ends_with(
        "Its ROC AUC is 0.0500 above that of the variance of the Laplacian; 95 % bootstrap interval over \
         scenes \u{2212}0.0010 to 0.1000."
    ));
}

#[test]
fn scores_beyond_the_range_are_in_the_outermost_bars() {
    let scores = vec![
        (1e9, Class::Sharp),
        (12.0, Class::Sharp),
        (11.9, Class::Sharp),
        (-1e9, Class::Blurred),
        (-0.1, Class::Blurred),
    ];
    let body = histogram(&report(scores)).body;
    assert_eq!(
        body.matches("class=\"fill-good\"").count(),
        1,
        "three in one bar"
    );
    assert_eq!(body.matches("class=\"fill-bad\"").count(), 2);
    assert!(
        !body.contains(">\u{2212}1<") && body.contains(">\u{2212}12<"),
        "{body}"
    );
}

#[test]
fn the_chosen_kind_is_marked() {
    let kind = |kind| HeldOut {
        kind,
        c: (kind == Kind::Logistic).then_some(0.1),
        log_loss: 0.25,
        accuracy: 0.9,
        roc_auc: None,
        roc_auc_interval: None,
        behind_chosen: None,
    };
    let section = held_out(&[kind(Kind::Forest), kind(Kind::Logistic)], Kind::Forest);
    assert!(
        section.body.contains("<bdi>forest (chosen)</bdi>"),
        "{}",
        section.body
    );
    assert_eq!(section.body.matches("(chosen)").count(), 1);
    assert_eq!(
        section.body.matches(MISSING).count(),
        5,
        "areas, differences, and C of a forest"
    );
}

#[test]
fn mistakes_show_pictures_only_of_photos_that_could_be_read() {
    let mistake = |thumbnail: Option<Vec<u8>>| Mistake {
        path: "a&b.jpg".to_owned(),
        actual: Class::Sharp,
        score: -2.25,
        tiles: None,
        thumbnail,
    };
    let section = worst(&[mistake(Some(b"foo".to_vec())), mistake(None)]);
    assert_eq!(section.body.matches("<img").count(), 1);
    assert!(section.body.contains("base64,Zm9v\""));
    assert!(
        section
            .body
            .contains("called</dt><dd>blurred, score \u{2212}2.25</dd>")
    );
    assert!(section.body.contains("a&amp;b.jpg"));
}

#[test]
fn each_property_of_photos_has_a_table() {
    let part = |by: &str, name: &str| Part {
        by: by.to_owned(),
        name: name.to_owned(),
        rows: 10,
        accuracy: 0.75,
        roc_auc: None,
    };
    let section = parts(&[
        part("kind", "disk"),
        part("kind", "motion"),
        part("source", "kodak"),
    ]);
    for caption in ["By <bdi>kind</bdi>", "By <bdi>source</bdi>"] {
        let caption = format!("<caption>{caption}</caption>");
        assert_eq!(section.body.matches(&caption).count(), 1, "{caption}");
    }
    assert_eq!(section.body.matches("75.0 %").count(), 3);
}
