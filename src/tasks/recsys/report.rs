//! The page `reports/recsys.html`: how good the lists are by their length and for whom, beside what is
//! popular, and what some users would be shown. Takes figures that are measured already.

use serde::Serialize;
use serde_json::{Value, json};

use crate::report::format::{coordinate, count, excerpt, figure, fixed, percent};
use crate::report::html::{Page, Section, Table, columns, escape, text};
use crate::report::svg::{Picture, label, line};
use models::recsys::{Choice, Trial};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct RecsysReport {
    pub kind: String,
    /// Figures by name, of the model and of what is popular.
    pub figures: Value,
    pub baseline: Value,
    pub users: u64,
    pub train_rows: u64,
    pub items: u64,
    /// The least relevant rating; `None`: every held-out item is relevant.
    pub relevant: Option<f64>,
    pub curves: Vec<Curve>,
    /// Interactions, users, recall and NDCG at 20.
    pub bands: Vec<(String, u64, f64, f64)>,
    /// What was tried in training: a list of figures by name.
    pub held_out: Vec<Trial>,
    pub cold_users: u64,
    pub cold: Value,
    /// Relevant interactions with items that training does not know.
    pub new_items: u64,
    pub examples: Vec<Example>,
}

/// Figures of lists of one length.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Curve {
    pub k: usize,
    pub recall: f64,
    pub ndcg: f64,
    pub precision: f64,
    pub hit_rate: f64,
    pub popular_recall: f64,
    pub popular_ndcg: f64,
}

/// A user and their list.
#[derive(Clone, Debug)]
pub struct Example {
    pub user: String,
    /// What they took, the latest first.
    pub taken: Vec<String>,
    pub listed: Vec<Listed>,
    /// How many items were relevant.
    pub relevant: u64,
}

/// An item in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    pub title: String,
    pub score: f64,
    pub hit: bool,
}

/// Columns of a name, and trials shown.
const NAME: usize = 60;
const TRIALS: usize = 12;

/// The page's bytes: a function of `report` alone.
pub fn page(report: &RecsysReport) -> String {
    let sections = [
        Some(by_length(report)),
        Some(figures_table(report)),
        (!report.bands.is_empty()).then(|| bands(report)),
        (!report.held_out.is_empty()).then(|| chosen(&report.held_out)),
        (!report.examples.is_empty()).then(|| examples(&report.examples)),
    ];
    Page {
        title: "recsys on the test part".to_owned(),
        summary: summary(report),
        figures: headline(report),
        sections: sections.into_iter().flatten().collect(),
    }
    .render()
}

fn summary(report: &RecsysReport) -> String {
    let relevant = match report.relevant {
        Some(least) => format!("rated {} or more", coordinate(least)),
        None => "in the test part".to_owned(),
    };
    format!(
        "For {} users, the model ({}, fitted to {} interactions) ranks all {} items that they had not \
         taken; an item {relevant} is a hit. Of what was relevant, {} is among the first 20; of the \
         most popular items, {}.",
        count(report.users),
        escape(&report.kind),
        count(report.train_rows),
        count(report.items),
        figure(&report.figures, "recall_at_20", |value| percent(value, 1)),
        figure(&report.baseline, "recall_at_20", |value| percent(value, 1)),
    )
}

fn headline(report: &RecsysReport) -> String {
    let item = |name: &str, key: &str| {
        let four = |value: f64| fixed(value, 4);
        format!(
            "<li><h2>{name}</h2><p class=\"value\">{}</p><p class=\"versus\">popular {}</p></li>\n",
            figure(&report.figures, key, four),
            figure(&report.baseline, key, four)
        )
    };
    item("Recall@20", "recall_at_20")
        + &item("NDCG@20", "ndcg_at_20")
        + &item("Hit rate@20", "hit_rate_at_20")
}

fn by_length(report: &RecsysReport) -> Section {
    let four = |value: f64| fixed(value, 4);
    let row = |point: &Curve| {
        vec![
            count(point.k as u64),
            four(point.recall),
            four(point.popular_recall),
            four(point.ndcg),
            four(point.popular_ndcg),
            four(point.precision),
            four(point.hit_rate),
        ]
    };
    let table = Table {
        caption: "By the length of the list".to_owned(),
        columns: columns(&[
            ("Length", "n"),
            ("Recall", "n"),
            ("popular", "n"),
            ("NDCG", "n"),
            ("popular", "n"),
            ("Precision", "n"),
            ("Hit rate", "n"),
        ]),
        rows: report.curves.iter().map(row).collect(),
        class: "pairs",
    };
    let recall = curve_picture(
        "recall",
        "Recall by length of the list",
        &report.curves,
        |point| (point.recall, point.popular_recall),
    );
    let ndcg = curve_picture(
        "ndcg",
        "NDCG by length of the list",
        &report.curves,
        |point| (point.ndcg, point.popular_ndcg),
    );
    Section {
        title: "How far down the list".to_owned(),
        note: "Recall: the hits, of all that was relevant, items that training does not know \
               included. NDCG: hits weighed by 1 / log2(place + 1), of the most there could be. All \
               items are ranked, none is sampled."
            .to_owned(),
        body: format!(
            "<div class=\"pictures\">\n{}{}</div>\n{}",
            recall.render(),
            ndcg.render(),
            table.render()
        ),
    }
}

/// Where the curves are drawn: left, top, width and height.
const PLOT: (f64, f64, f64, f64) = (56.0, 24.0, 400.0, 260.0);

/// Lengths on a logarithmic scale across, values from 0 to a round number up.
struct Scale {
    longest: f64,
    step: f64,
    roof: f64,
}

impl Scale {
    fn of(points: &[Curve], values: &impl Fn(&Curve) -> (f64, f64)) -> Self {
        let most = points
            .iter()
            .map(|point| values(point).0.max(values(point).1));
        let most = most.fold(0.05, f64::max);
        let step = [0.01, 0.02, 0.05, 0.1, 0.2]
            .into_iter()
            .find(|step| most / step <= 6.0)
            .unwrap_or(0.5);
        Scale {
            longest: points.last().map_or(1, |point| point.k).max(2) as f64,
            step,
            roof: (most / step).ceil() * step,
        }
    }

    fn place(&self, k: usize, value: f64) -> (f64, f64) {
        let (left, top, width, height) = PLOT;
        let x = left + libm::log(k.max(1) as f64) / libm::log(self.longest) * width;
        (x, top + (1.0 - value / self.roof) * height)
    }

    /// Lines of the values, and the lengths below.
    fn axes(&self, points: &[Curve]) -> String {
        let (left, top, width, height) = PLOT;
        let mut body = String::new();
        for tick in 0..=(self.roof / self.step).round() as usize {
            let value = tick as f64 * self.step;
            let (_, y) = self.place(1, value);
            let class = if tick == 0 { "rule" } else { "faint" };
            body += &line((left, y), (left + width, y), class);
            body += &label(left - 8.0, y + 4.5, "end muted", &coordinate(value));
        }
        let below = top + height + 20.0;
        for point in points {
            let (x, _) = self.place(point.k, 0.0);
            body += &label(x, below, "middle muted", &count(point.k as u64));
        }
        let name = "length of the list \u{2192}";
        body + &label(left + width, below + 22.0, "end muted", name)
    }
}

/// The model's line over the popular items' dashes.
fn curve_picture(
    id: &'static str,
    title: &str,
    points: &[Curve],
    values: impl Fn(&Curve) -> (f64, f64),
) -> Picture {
    let scale = Scale::of(points, &values);
    let mut body = scale.axes(points);
    let popular = |point: &Curve| scale.place(point.k, values(point).1);
    for pair in points.windows(2) {
        body += &line(popular(&pair[0]), popular(&pair[1]), "dash");
    }
    let path: Vec<String> = points
        .iter()
        .map(|point| scale.place(point.k, values(point).0))
        .map(|(x, y)| format!("{} {}", coordinate(x), coordinate(y)))
        .collect();
    body += &format!("<path class=\"line\" d=\"M{}\"/>\n", path.join("L"));
    if let Some((x, y)) = points.last().map(popular) {
        body += &label(x, y - 8.0, "end muted halo", "popular");
    }
    let shown: Vec<String> = points
        .iter()
        .map(|point| format!("{} at {}", fixed(values(point).0, 4), point.k))
        .collect();
    Picture {
        id,
        title: title.to_owned(),
        description: format!("The model: {}.", shown.join(", ")),
        width: 480.0,
        height: 330.0,
        class: "fluid",
        body,
    }
}

fn figures_table(report: &RecsysReport) -> Section {
    const ROWS: [(&str, &str, &str); 7] = [
        ("MAP@20", "map_at_20", "mean precision at the hits"),
        ("MRR", "mrr", "one over the place of the first hit"),
        ("Hit rate@20", "hit_rate_at_20", "users with a hit"),
        ("NDCG@10", "ndcg_at_10", "hits weighed by place"),
        (
            "Coverage@20",
            "coverage_at_20",
            "share of the catalogue in some list",
        ),
        (
            "Novelty@20",
            "novelty_at_20",
            "bits: \u{2212}log2 of the share of users who took an item",
        ),
        (
            "Popularity@20",
            "popularity_at_20",
            "share of users who took a listed item",
        ),
    ];
    let four = |value: f64| fixed(value, 4);
    let row = |&(name, key, meaning): &(&str, &str, &str)| {
        vec![
            name.to_owned(),
            figure(&report.figures, key, four),
            figure(&report.baseline, key, four),
            meaning.to_owned(),
        ]
    };
    let table = Table {
        caption: "Other figures".to_owned(),
        columns: columns(&[
            ("Figure", "name"),
            ("Model", "n"),
            ("Popular", "n"),
            ("Meaning", "name"),
        ]),
        rows: ROWS.iter().map(row).collect(),
        class: "pairs",
    };
    let mut note = String::new();
    if report.cold_users > 0 {
        note += &format!(
            "{} users of the test part are not known in training and are not in these figures: they \
             get what is popular, with recall@20 {} and NDCG@20 {}. ",
            count(report.cold_users),
            figure(&report.cold, "recall_at_20", four),
            figure(&report.cold, "ndcg_at_20", four),
        );
    }
    if report.new_items > 0 {
        note += &format!(
            "{} relevant interactions are with items that training does not know: they count as missed.",
            count(report.new_items)
        );
    }
    Section {
        title: "Beyond hits".to_owned(),
        note,
        body: table.render(),
    }
}

fn bands(report: &RecsysReport) -> Section {
    let row = |(name, users, recall, ndcg): &(String, u64, f64, f64)| {
        vec![
            text(name),
            count(*users),
            fixed(*recall, 4),
            fixed(*ndcg, 4),
        ]
    };
    let table = Table {
        caption: "By interactions in training".to_owned(),
        columns: columns(&[
            ("Interactions", "name"),
            ("Users", "n"),
            ("Recall@20", "n"),
            ("NDCG@20", "n"),
        ]),
        rows: report.bands.iter().map(row).collect(),
        class: "pairs",
    };
    Section {
        title: "For whom".to_owned(),
        note: String::new(),
        body: table.render(),
    }
}

/// A setting as it is read: numbers to four digits.
fn setting(value: &Value) -> String {
    let rounded = value.as_f64().map(|number| format!("{number:.3e}").parse());
    match rounded {
        Some(Ok::<f64, _>(number)) => number.to_string(),
        _ => value.as_str().unwrap_or_default().to_owned(),
    }
}

fn chosen(trials: &[Trial]) -> Section {
    let mut order: Vec<&Trial> = trials.iter().collect();
    order.sort_by(|a, b| b.ndcg_at_20.total_cmp(&a.ndcg_at_20));
    let row = |trial: &&Trial| {
        vec![
            text(trial.choice.options.kind().as_str()),
            escape(&settings(&trial.choice)),
            fixed(trial.recall_at_20, 4),
            fixed(trial.ndcg_at_20, 4),
        ]
    };
    let table = Table {
        caption: format!(
            "The best {} of {} tried",
            order.len().min(TRIALS),
            order.len()
        ),
        columns: columns(&[
            ("Model", "name"),
            ("Settings", "name"),
            ("Recall@20", "n"),
            ("NDCG@20", "n"),
        ]),
        rows: order.iter().take(TRIALS).map(row).collect(),
        class: "pairs",
    };
    Section {
        title: "How the model was chosen".to_owned(),
        note: "On interactions held out of the training part; the highest NDCG wins. What is older \
               counts half after half_life of a user's interactions; disliked is the weight of what \
               was rated low."
            .to_owned(),
        body: table.render(),
    }
}

/// What was chosen beside the kind, name by name.
fn settings(choice: &Choice) -> String {
    let options = json!(choice.options);
    let own = options.as_object().into_iter().flatten();
    let own = own.filter(|(name, _)| *name != "kind");
    let mut settings: Vec<String> = own
        .map(|(name, value)| format!("{name} {}", setting(value)))
        .collect();
    for (name, value) in [
        ("half_life", choice.half_life),
        ("disliked", choice.disliked),
    ] {
        settings.push(format!("{name} {}", setting(&json!(value))));
    }
    settings.join(", ")
}

fn examples(examples: &[Example]) -> Section {
    let list = |names: &mut dyn Iterator<Item = String>| -> String {
        names.map(|name| format!("<li>{name}</li>\n")).collect()
    };
    let name = |title: &str| text(&excerpt(title, NAME));
    let item = |example: &Example| {
        let taken = list(&mut example.taken.iter().map(|title| name(title)));
        let listed = list(&mut example.listed.iter().map(|listed| {
            let shown = format!(
                "{} <span class=\"muted\">{}</span>",
                name(&listed.title),
                fixed(listed.score, 3)
            );
            match listed.hit {
                true => format!("<strong class=\"good\">{shown} \u{2713}</strong>"),
                false => shown,
            }
        }));
        format!(
            "<h3>User {}, {} relevant</h3>\n<div class=\"pictures\">\n<div><p>Taken, the latest first</p>\
             <ul>\n{taken}</ul></div>\n<div><p>Recommended</p><ol>\n{listed}</ol></div>\n</div>\n",
            name(&example.user),
            count(example.relevant)
        )
    };
    Section {
        title: "What some users would be shown".to_owned(),
        note: "Users spread evenly over those scored; a tick is a hit.".to_owned(),
        body: examples.iter().map(item).collect(),
    }
}

#[cfg(test)]
mod tests {
    use models::recsys::{Options, ease};

    use super::*;

    #[test]
    fn settings_are_rounded_for_reading() {
        let shown = |value: Value| setting(&value);
        assert_eq!(shown(serde_json::json!(0.44999999999999996)), "0.45");
        assert_eq!(shown(serde_json::json!(300.0)), "300");
        assert_eq!(shown(serde_json::json!(64)), "64");
        assert_eq!(shown(serde_json::json!("bm25")), "bm25");
    }

    #[test]
    fn names_of_items_are_no_markup_and_hits_are_marked() {
        let point = |k, recall| Curve {
            k,
            recall,
            ndcg: recall,
            precision: recall,
            hit_rate: recall,
            popular_recall: 0.1,
            popular_ndcg: 0.1,
        };
        let report = RecsysReport {
            kind: "ease".into(),
            figures: serde_json::json!({"recall_at_20": 0.25}),
            baseline: Value::Null,
            users: 10,
            train_rows: 1000,
            items: 50,
            relevant: Some(4.0),
            curves: vec![point(1, 0.1), point(20, 0.25)],
            bands: vec![("1 to 4".into(), 3, 0.2, 0.1)],
            held_out: vec![Trial {
                choice: Choice {
                    options: Options::Ease(ease::Options {
                        regularization: 5.0,
                    }),
                    half_life: 0.0,
                    disliked: 1.0,
                },
                recall_at_20: 0.3,
                ndcg_at_20: 0.2,
            }],
            cold_users: 2,
            cold: Value::Null,
            new_items: 3,
            examples: vec![Example {
                user: "<u>".into(),
                taken: vec!["a & b".into()],
                listed: vec![Listed {
                    title: "<i>".into(),
                    score: 0.5,
                    hit: true,
                }],
                relevant: 1,
            }],
        };
        let page = page(&report);
        assert!(!page.contains("<u>") && !page.contains("<i>") && page.contains("a &amp; b"));
        assert!(page.contains("class=\"good\"") && page.contains("regularization 5"));
        assert!(page.contains("rated 4 or more") && page.contains("25.0 %"));
    }
}
