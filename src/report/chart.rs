//! Charts with axes: the ROC curve and the histogram of the answers' probabilities.

use super::format::{coordinate, count, fixed};
use super::svg::{Picture, label, line, rect};
use models::metrics::classification::{Confidence, RocPoint};

/// The plot's place in its picture, and the data range across.
struct Frame {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

const WIDTH: f64 = 480.0;
const ROC: Frame = Frame {
    left: 44.0,
    top: 30.0,
    width: 400.0,
    height: 400.0,
};
const HISTOGRAM: Frame = Frame {
    left: 56.0,
    top: 30.0,
    width: 400.0,
    height: 400.0,
};
const QUARTERS: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// The ROC curve with its diagonal; `positive` names the class taken as positive. `None` without points.
pub fn roc(points: &[RocPoint], area: Option<f64>, positive: &str) -> Option<Picture> {
    if points.is_empty() {
        return None;
    }
    let at = |fpr: f64, tpr: f64| {
        (
            ROC.left + fpr * ROC.width,
            ROC.top + (1.0 - tpr) * ROC.height,
        )
    };
    let path: Vec<String> = points
        .iter()
        .map(|point| at(point.fpr, point.tpr))
        .map(|(x, y)| format!("{} {}", coordinate(x), coordinate(y)))
        .collect();
    let path = path.join("L");
    let (corner, foot) = (at(0.0, 0.0), at(1.0, 0.0));
    let mut body = roc_axes();
    body += &format!(
        "<path class=\"under\" d=\"M{path}L{} {}L{} {}Z\"/>\n",
        coordinate(foot.0),
        coordinate(foot.1),
        coordinate(corner.0),
        coordinate(corner.1)
    );
    body += &line(corner, at(1.0, 1.0), "dash");
    body += &format!("<path class=\"line\" d=\"M{path}\"/>\n");
    let area = area.map_or_else(String::new, |area| fixed(area, 4));
    let place = at(0.97, 0.06);
    body += &label(place.0, place.1 - 24.0, "end s22 strong halo", &area);
    body += &label(place.0, place.1, "end muted halo", "area under the curve");
    let chance = at(0.62, 0.58);
    body += &label(chance.0, chance.1 + 10.0, "muted halo", "chance");
    Some(Picture {
        id: "roc",
        title: format!("ROC curve, {positive} taken as positive"),
        description: format!(
            "True positive rate over false positive rate; area under the curve {area}."
        ),
        width: WIDTH,
        height: 478.0,
        class: "fluid",
        body,
    })
}

fn roc_axes() -> String {
    let (right, bottom) = (ROC.left + ROC.width, ROC.top + ROC.height);
    let mut out = label(0.0, 14.0, "muted", "true positive rate \u{2191}");
    for value in QUARTERS {
        let (x, y) = (ROC.left + value * ROC.width, bottom - value * ROC.height);
        let class = if value == 0.0 { "rule" } else { "faint" };
        out += &line((ROC.left, y), (right, y), class);
        out += &line((x, ROC.top), (x, bottom), class);
        out += &label(ROC.left - 8.0, y + 4.5, "end muted", &coordinate(value));
        out += &label(x, bottom + 20.0, "middle muted", &coordinate(value));
    }
    out += &label(
        right,
        bottom + 42.0,
        "end muted",
        "false positive rate \u{2192}",
    );
    out
}

/// Right answers upward, wrong ones downward, on one scale, over the probability of the answer.
/// Starts at a half where no answer was less sure, as with two classes. `None` without rows.
pub fn confidence(counts: &Confidence) -> Option<Picture> {
    let bins = counts.right.len().min(counts.wrong.len());
    let (right, wrong): (u64, u64) = (counts.right.iter().sum(), counts.wrong.iter().sum());
    if bins == 0 || right + wrong == 0 {
        return None;
    }
    let half = bins / 2;
    let low = counts.right[..half]
        .iter()
        .chain(&counts.wrong[..half])
        .all(|&rows| rows == 0);
    let first = if low && bins.is_multiple_of(2) {
        half
    } else {
        0
    };
    let up = counts.right.iter().copied().max().unwrap_or(0);
    let down = counts.wrong.iter().copied().max().unwrap_or(0);
    let scale = Scale::new(up, down);
    let mut body = scale.axis();
    for bin in first..bins {
        let slot = HISTOGRAM.width / (bins - first) as f64;
        let x = HISTOGRAM.left + (bin - first) as f64 * slot + 1.0;
        body += &scale.bar(x, slot - 2.0, counts.right[bin], true);
        body += &scale.bar(x, slot - 2.0, counts.wrong[bin], false);
    }
    body += &probabilities(if first > 0 { 0.5 } else { 0.0 });
    body += &scale.sides(right, wrong);
    Some(Picture {
        id: "confidence",
        title: "How sure the answers were, right and wrong".to_owned(),
        description: format!(
            "Histogram of the probability given to the answer: {} right answers above the line, {} wrong below it.",
            count(right),
            count(wrong)
        ),
        width: WIDTH,
        height: 478.0,
        class: "fluid",
        body,
    })
}

/// Ticks and name of the probability axis from `start` to 1.
fn probabilities(start: f64) -> String {
    let bottom = HISTOGRAM.top + HISTOGRAM.height;
    let ticks = if start > 0.0 {
        [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    } else {
        [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    };
    let mut out = String::new();
    for tick in ticks {
        let x = HISTOGRAM.left + (tick - start) / (1.0 - start) * HISTOGRAM.width;
        out += &label(x, bottom + 20.0, "middle muted", &coordinate(tick));
    }
    out += &label(
        HISTOGRAM.left + HISTOGRAM.width,
        bottom + 42.0,
        "end muted",
        "probability of the answer \u{2192}",
    );
    out
}

/// Rows to pixels, the same upward and downward.
struct Scale {
    up: u64,
    down: u64,
    step: u64,
    zero: f64,
    pixels_per_row: f64,
}

impl Scale {
    fn new(up: u64, down: u64) -> Scale {
        let pixels_per_row = HISTOGRAM.height / (up + down) as f64;
        let step = nice_step(up.max(down));
        Scale {
            up,
            down,
            step,
            zero: HISTOGRAM.top + up as f64 * pixels_per_row,
            pixels_per_row,
        }
    }

    /// At least one pixel for a count above 0.
    fn bar(&self, x: f64, width: f64, rows: u64, up: bool) -> String {
        if rows == 0 {
            return String::new();
        }
        let height = (rows as f64 * self.pixels_per_row).max(1.0);
        let (y, class) = if up {
            (self.zero - height, "fill-good")
        } else {
            (self.zero, "fill-bad")
        };
        rect(x, y, width, height, class)
    }

    fn axis(&self) -> String {
        let right = HISTOGRAM.left + HISTOGRAM.width;
        let mut out = label(0.0, 14.0, "muted", "rows \u{2191}");
        let ups = (1..=self.up / self.step).map(|index| (index * self.step, -1.0));
        let downs = (1..=self.down / self.step).map(|index| (index * self.step, 1.0));
        for (rows, sign) in ups.chain(downs) {
            let y = self.zero + sign * rows as f64 * self.pixels_per_row;
            out += &line((HISTOGRAM.left, y), (right, y), "faint");
            out += &label(HISTOGRAM.left - 8.0, y + 4.5, "end muted", &count(rows));
        }
        out += &line((HISTOGRAM.left, self.zero), (right, self.zero), "rule");
        out += &label(HISTOGRAM.left - 8.0, self.zero + 4.5, "end muted", "0");
        out
    }

    /// Labels of both sides with their numbers of rows, above the first bars, where a good model has few rows.
    fn sides(&self, right: u64, wrong: u64) -> String {
        let x = HISTOGRAM.left + 4.0;
        let above = label(
            x,
            HISTOGRAM.top + 18.0,
            "s15 strong fill-good halo",
            &format!("right {}", count(right)),
        );
        let bottom = HISTOGRAM.top + HISTOGRAM.height;
        above
            + &label(
                x,
                bottom - 6.0,
                "s15 strong fill-bad halo",
                &format!("wrong {}", count(wrong)),
            )
    }
}

/// 1, 2 or 5 times a power of ten, about four to the largest value.
fn nice_step(largest: u64) -> u64 {
    let mut power = 1u64;
    loop {
        for factor in [1, 2, 5] {
            let step = power.saturating_mul(factor);
            if largest / step <= 4 {
                return step;
            }
        }
        power = power.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        assert_eq!(
            [0, 1, 4, 5, 9, 99, 1234, u64::MAX].map(nice_step),
            [1, 1, 1, 2, 2, 20, 500, 5_000_000_000_000_000_000]
        );
    }

    #[test]
    fn roc_runs_from_corner_to_corner() {
        let point = |fpr, tpr| RocPoint {
            fpr,
            tpr,
            threshold: None,
        };
        let picture = roc(
            &[point(0.0, 0.0), point(0.25, 0.75), point(1.0, 1.0)],
            Some(0.75),
            "<pos>",
        )
        .unwrap();
        assert!(picture.body.contains("d=\"M44 430L144 130L444 30\""));
        assert!(picture.body.contains(">0.7500</text>"));
        assert!(!picture.render().contains("<pos>"));
        assert!(roc(&[], None, "x").is_none());
    }

    #[test]
    fn histogram_starts_where_the_answers_do() {
        let two = Confidence {
            right: vec![0, 0, 1, 9],
            wrong: vec![0, 0, 1, 0],
        };
        let body = confidence(&two).unwrap().body;
        assert!(body.contains(">0.5</text>") && !body.contains(">0.2</text>"));
        assert_eq!(body.matches("class=\"fill-good\"").count(), 2);
        assert_eq!(body.matches("class=\"fill-bad\"").count(), 1);
        let many = Confidence {
            right: vec![1, 0, 0, 9],
            wrong: vec![0; 4],
        };
        assert!(confidence(&many).unwrap().body.contains(">0.2</text>"));
        assert!(
            confidence(&Confidence {
                right: vec![0; 4],
                wrong: vec![0; 4]
            })
            .is_none()
        );
    }
}
