//! The page `reports/index.html`: a row for each task with its headline figures, whether its gate is met, and links
//! to its pages.

use super::format::{count, plural};
use super::html::{Table, columns, escape, text};
use super::page::{Kind, Page, Section};

/// A task on the page.
#[derive(Clone, Debug)]
pub struct Row {
    pub task: String,
    /// The title of the task, for example `Text classification`.
    pub title: String,
    /// Name and value of its headline figures; empty: not evaluated yet.
    pub figures: Vec<(String, String)>,
    pub gate: Gate,
    pub evaluated: bool,
    pub raw: Checks,
    pub prepared: Checks,
}

/// The state of a task's gate.
#[derive(Clone, Debug, PartialEq)]
pub enum Gate {
    /// Not evaluated yet.
    Unmeasured,
    /// There are no bounds.
    Unset,
    /// The metrics are about another model than the present one.
    Outdated,
    /// The reason why bounds and metrics cannot be compared.
    Unknown(String),
    /// All bounds are met; their number.
    Met(usize),
    /// The bounds that are not met.
    Missed(Vec<String>),
}

/// The result of a validation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Checks {
    /// There is no page.
    Missing,
    /// There is a page, but its findings cannot be read.
    Unreadable,
    Found {
        errors: u64,
        warnings: u64,
    },
}

/// The page: a function of `rows` alone.
pub fn page(rows: &[Row]) -> Page {
    Page {
        title: "Reports".to_owned(),
        summary: summary(rows),
        sections: vec![Section {
            title: "Tasks".to_owned(),
            note: "Rewritten from the existing files by <code>validate</code>, <code>train</code>, \
            <code>evaluate</code>, <code>gate</code> and <code>repro</code>; no stage depends on it."
                .to_owned(),
            body: table(rows),
        }],
        ..Page::default()
    }
}

fn summary(rows: &[Row]) -> String {
    let names = |of: &dyn Fn(&Row) -> bool| -> Vec<String> {
        let rows = rows.iter().filter(|row| of(row));
        rows.map(|row| escape(&row.task)).collect()
    };
    let count_of = |of: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| of(row)).count();
    let met = count_of(&|row| matches!(row.gate, Gate::Met(_)));
    let bound = met + count_of(&|row| matches!(row.gate, Gate::Missed(_)));
    let meet = plural(met as u64, "meets", "meet");
    let mut out = match bound {
        0 => "No model was checked against a gate yet.".to_owned(),
        1 if met == 1 => "The one model with a gate meets it.".to_owned(),
        _ if met == bound => format!("All {met} models with a gate meet it."),
        _ => format!("{met} of {bound} models with a gate {meet} it."),
    };
    let lists: [(&str, Vec<String>); 3] = [
        (
            "Gate missed",
            names(&|row| matches!(row.gate, Gate::Missed(_))),
        ),
        (
            "Raw data with errors",
            names(&|row| matches!(row.raw, Checks::Found { errors, .. } if errors > 0)),
        ),
        (
            "To be evaluated again",
            names(&|row| row.gate == Gate::Outdated),
        ),
    ];
    for (what, names) in lists {
        if !names.is_empty() {
            out += &format!(" {what}: {}.", names.join(", "));
        }
    }
    out
}

fn table(rows: &[Row]) -> String {
    let row = |row: &Row| {
        let figure = |(name, value): &(String, String)| {
            let value = escape(value).replace(" %", "\u{a0}%");
            format!("{} <strong>{value}</strong>", escape(name))
        };
        let figures: Vec<String> = row.figures.iter().map(figure).collect();
        vec![
            format!(
                "{}<br><small>{}</small>",
                match row.evaluated {
                    true => link(&row.task, Kind::Evaluation, &row.task),
                    false => text(&row.task),
                },
                escape(&row.title)
            ),
            match figures.is_empty() {
                true => "<span class=\"muted\">not measured yet</span>".to_owned(),
                false => figures.join("<br>"),
            },
            gate(&row.gate),
            checks(&row.task, Kind::Raw, row.raw),
            checks(&row.task, Kind::Prepared, row.prepared),
        ]
    };
    let table = Table {
        caption: format!(
            "{} {}",
            count(rows.len() as u64),
            plural(rows.len() as u64, "task", "tasks")
        ),
        columns: columns(&[
            ("Task", "name"),
            ("On the test part", "name"),
            ("Gate", "name"),
            ("Raw data", ""),
            ("Prepared data", ""),
        ]),
        rows: rows.iter().map(row).collect(),
        class: "tasks",
    };
    table.render()
}

fn gate(gate: &Gate) -> String {
    match gate {
        Gate::Unmeasured => "\u{2013}".to_owned(),
        Gate::Unset => "no bounds are set".to_owned(),
        Gate::Outdated => {
            "<span class=\"warning\">the model was retrained since; evaluate it again</span>"
                .to_owned()
        }
        Gate::Unknown(why) => format!("<span class=\"warning\">{}</span>", text(why)),
        Gate::Met(bounds) => format!(
            "<span class=\"good\">\u{2713} met</span> ({bounds} {})",
            plural(*bounds as u64, "bound", "bounds")
        ),
        Gate::Missed(bounds) => {
            let bounds: Vec<String> = bounds.iter().map(|bound| escape(bound)).collect();
            format!(
                "<strong class=\"error\">\u{2717} missed</strong><br>{}",
                bounds.join("<br>")
            )
        }
    }
}

fn link(task: &str, kind: Kind, name: &str) -> String {
    format!(
        "<a href=\"{}\">{}</a>",
        escape(&kind.address(task)),
        escape(name)
    )
}

fn checks(task: &str, kind: Kind, checks: Checks) -> String {
    let of = |number: u64, one: &str, many: &str, class: &str| {
        let shown = format!("{}\u{a0}{}", count(number), plural(number, one, many));
        match number {
            0 => shown,
            _ => format!("<span class=\"{class}\">{shown}</span>"),
        }
    };
    match checks {
        Checks::Missing => "\u{2013}".to_owned(),
        Checks::Unreadable => link(task, kind, "page"),
        Checks::Found { errors, warnings } => format!(
            "{}<br>{}<br>{}",
            link(task, kind, "checks"),
            of(errors, "error", "errors", "error"),
            of(warnings, "warning", "warnings", "warning")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(task: &str, gate: Gate) -> Row {
        Row {
            task: task.to_owned(),
            title: "What it does".to_owned(),
            figures: vec![("Accuracy".to_owned(), "92.00 %".to_owned())],
            gate,
            evaluated: true,
            raw: Checks::Found {
                errors: 2,
                warnings: 0,
            },
            prepared: Checks::Missing,
        }
    }

    #[test]
    fn the_sentence_says_who_misses_what() {
        let missed = Gate::Missed(vec!["accuracy 0.7, at least 0.8".to_owned()]);
        let html = page(&[row("nlp", Gate::Met(1)), row("cv", missed)]).render();
        assert!(html.contains(
            "1 of 2 models with a gate meets it. Gate missed: cv. Raw data with errors: nlp, cv."
        ));
        assert!(html.contains("accuracy 0.7, at least 0.8"));
        assert!(html.contains("<a href=\"nlp.html\">nlp</a>"));
        assert!(html.contains("<a href=\"validate/cv.html\">checks</a>"));
        assert!(
            !html.contains("cv.prepared.html"),
            "a page that is not there has no link"
        );
    }

    #[test]
    fn nothing_measured_is_said() {
        let html = page(&[Row {
            figures: Vec::new(),
            ..row("ts", Gate::Unmeasured)
        }]);
        assert!(
            html.render()
                .contains("No model was checked against a gate yet.")
        );
    }

    fn sentence(rows: &[Row]) -> String {
        summary(rows)
    }

    fn sound(task: &str, gate: Gate) -> Row {
        Row {
            raw: Checks::Found {
                errors: 0,
                warnings: 3,
            },
            ..row(task, gate)
        }
    }

    #[test]
    fn the_sentence_agrees_with_the_number_of_gates() {
        let met = || sound("nlp", Gate::Met(2));
        let missed = || sound("ts", Gate::Missed(vec!["mase".to_owned()]));
        assert_eq!(sentence(&[met()]), "The one model with a gate meets it.");
        assert_eq!(
            sentence(&[met(), met()]),
            "All 2 models with a gate meet it."
        );
        assert_eq!(
            sentence(&[missed()]),
            "0 of 1 models with a gate meet it. Gate missed: ts."
        );
        let unset = || sound("cv", Gate::Unset);
        assert_eq!(
            sentence(&[met(), unset()]),
            "The one model with a gate meets it."
        );
        assert_eq!(
            sentence(&[met(), sound("cv", Gate::Outdated)]),
            "The one model with a gate meets it. To be evaluated again: cv."
        );
    }

    #[test]
    fn gates_say_what_is_to_be_done() {
        assert_eq!(
            gate(&Gate::Met(1)),
            "<span class=\"good\">\u{2713} met</span> (1 bound)"
        );
        assert!(gate(&Gate::Met(2)).ends_with("(2 bounds)"));
        assert!(
            gate(&Gate::Missed(vec!["a < 1".to_owned(), "b".to_owned()]))
                .ends_with("a &lt; 1<br>b")
        );
        assert!(gate(&Gate::Outdated).contains("evaluate it again"));
        assert!(gate(&Gate::Unknown("no `x`".to_owned())).contains("<bdi>no `x`</bdi>"));
    }

    #[test]
    fn findings_are_coloured_where_there_are_some() {
        let cell =
            |errors, warnings| checks("ts", Kind::Prepared, Checks::Found { errors, warnings });
        assert_eq!(
            cell(0, 1),
            "<a href=\"validate/ts.prepared.html\">checks</a><br>0\u{a0}errors<br>\
             <span class=\"warning\">1\u{a0}warning</span>"
        );
        assert!(cell(1200, 0).contains("<span class=\"error\">1,200\u{a0}errors</span>"));
        assert_eq!(
            checks("ts", Kind::Raw, Checks::Unreadable),
            "<a href=\"validate/ts.html\">page</a>"
        );
    }
}
