//! Sections of the page on users: the metrics by the activity of users, and the lists of some users.

use super::{Example, RecsysReport};
use crate::report::format::{count, excerpt, fixed};
use crate::report::html::{Table, columns, text};
use crate::report::page::Section;

/// Maximum width of a name, in columns of a terminal.
const NAME: usize = 60;

pub(super) fn bands(report: &RecsysReport) -> Section {
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
        title: "By the activity of users".to_owned(),
        note: String::new(),
        body: table.render(),
    }
}

pub(super) fn examples(examples: &[Example]) -> Section {
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
        title: "Lists of some users".to_owned(),
        note: "Users at regular intervals among those scored; a tick is a hit.".to_owned(),
        body: examples.iter().map(item).collect(),
    }
}
