//! A page: title, summary, headline figures, sections, links to other pages, and a footer about its origin. One
//! self-contained file: styles are inlined, there is no script, a content security policy forbids every request,
//! light and dark follow the reader's system, and it can be printed. Callers provide the content.

use serde_json::Value;

use super::format::excerpt;
use super::html::{Table, columns, escape, text};

/// A page. `title` is plain text; everything else is HTML.
#[derive(Default)]
pub struct Page {
    pub title: String,
    /// One or two sentences under the title, HTML.
    pub summary: String,
    /// The headline figures; may be empty.
    pub figures: Vec<Figure>,
    pub sections: Vec<Section>,
    /// Links to other pages, in the order to show them.
    pub links: Vec<Link>,
    pub origin: Option<Origin>,
}

/// A part of a page with a heading.
#[derive(Default)]
pub struct Section {
    /// Plain text.
    pub title: String,
    /// How to read what follows, HTML; may be empty.
    pub note: String,
    /// HTML.
    pub body: String,
}

/// A headline figure.
#[derive(Default)]
pub struct Figure {
    /// Plain text.
    pub name: String,
    /// Plain text.
    pub value: String,
    /// HTML of a small picture under the value; may be empty.
    pub picture: String,
    /// Lines under the value, such as a baseline and an interval: plain text.
    pub comparisons: Vec<String>,
    /// What the figure means, in a plain sentence; may be empty.
    pub meaning: String,
    /// `""`, `good` or `bad`: the colour of the value.
    pub class: &'static str,
}

/// A link to another page.
pub struct Link {
    /// Plain text.
    pub name: String,
    /// A relative address; `None`: the page itself.
    pub to: Option<String>,
}

/// A page of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `reports/TASK.html`
    Evaluation,
    /// `reports/validate/TASK.html`
    Raw,
    /// `reports/validate/TASK.prepared.html`
    Prepared,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Evaluation, Kind::Raw, Kind::Prepared];

    fn name(self) -> &'static str {
        match self {
            Kind::Evaluation => "evaluation",
            Kind::Raw => "raw data",
            Kind::Prepared => "prepared data",
        }
    }

    /// Its address relative to `reports`.
    pub fn address(self, task: &str) -> String {
        match self {
            Kind::Evaluation => format!("{task}.html"),
            Kind::Raw => format!("validate/{task}.html"),
            Kind::Prepared => format!("validate/{task}.prepared.html"),
        }
    }
}

/// The address of the page of all tasks, relative to `reports`.
pub const INDEX: &str = "index.html";

/// Links from a page of `task` to all tasks and to the task's other pages, whether these exist or not: the bytes of
/// a page must not depend on other pages.
pub fn links(task: &str, here: Kind) -> Vec<Link> {
    let up = match here {
        Kind::Evaluation => "",
        Kind::Raw | Kind::Prepared => "../",
    };
    let index = Link {
        name: "All tasks".to_owned(),
        to: Some(format!("{up}{INDEX}")),
    };
    let own = Kind::ALL.map(|kind| Link {
        name: format!("{task}: {}", kind.name()),
        to: (kind != here).then(|| format!("{up}{}", kind.address(task))),
    });
    [index].into_iter().chain(own).collect()
}

/// The origin of a page: all that is needed to make it again. No time, host, user or path outside the project.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub command: String,
    pub version: String,
    /// The files that were read.
    pub digests: Vec<Digest>,
    /// Name and value, in the order to show them.
    pub parameters: Vec<(String, String)>,
}

/// A file, or the content of a file.
#[derive(Clone, Debug)]
pub struct Digest {
    pub of: String,
    /// A note, such as `3,200 rows`; may be empty.
    pub about: String,
    pub sha256: String,
}

/// A block of parameters as names joined by dots, and values; without lists of mappings, and without the folders of
/// an absolute path.
pub fn parameters(name: &str, block: &Value) -> Vec<(String, String)> {
    const LONGEST: usize = 200;
    match block {
        Value::Object(entries) => {
            let own = |(key, value): (&String, &Value)| parameters(&format!("{name}.{key}"), value);
            entries.iter().flat_map(own).collect()
        }
        Value::Array(entries) if entries.iter().any(Value::is_object) => Vec::new(),
        value => {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let text = match text.strip_prefix('/') {
                Some(path) => format!(".../{}", path.rsplit('/').next().unwrap_or_default()),
                None => text,
            };
            vec![(name.to_owned(), excerpt(&text, LONGEST))]
        }
    }
}

impl Page {
    /// The page's bytes.
    pub fn render(&self) -> String {
        let title = escape(&self.title);
        let sections: String = self.sections.iter().map(Section::render).collect();
        let figures: String = self.figures.iter().map(Figure::render).collect();
        let figures = match self.figures.is_empty() {
            true => String::new(),
            false => format!("<ul class=\"figures\">\n{figures}</ul>\n"),
        };
        let origin = self
            .origin
            .as_ref()
            .map_or_else(String::new, Origin::render);
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
             style-src 'unsafe-inline'; img-src data:\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n{STYLE}</style>\n\
             </head>\n<body>\n<main>\n<header>\n{}<h1>{title}</h1>\n<p class=\"summary\">{}</p>\n\
             {figures}</header>\n{sections}{origin}</main>\n</body>\n</html>\n",
            navigation(&self.links),
            self.summary.replace(" %", "\u{a0}%")
        )
    }
}

/// The one style sheet of all pages.
const STYLE: &str = include_str!("page.css");

fn navigation(links: &[Link]) -> String {
    let item = |link: &Link| {
        let name = escape(&link.name);
        match &link.to {
            Some(to) => format!("<li><a href=\"{}\">{name}</a></li>\n", escape(to)),
            None => format!("<li aria-current=\"page\">{name}</li>\n"),
        }
    };
    match links {
        [] => String::new(),
        links => format!(
            "<nav aria-label=\"Reports\">\n<ul>\n{}</ul>\n</nav>\n",
            links.iter().map(item).collect::<String>()
        ),
    }
}

impl Section {
    fn render(&self) -> String {
        let note = match self.note.as_str() {
            "" => String::new(),
            note => format!("<p class=\"note\">{note}</p>\n"),
        };
        format!(
            "<section>\n<h2>{}</h2>\n{note}{}</section>\n",
            escape(&self.title),
            self.body
        )
    }
}

impl Figure {
    fn render(&self) -> String {
        let line = |class: &str, line: &str| match line {
            "" => String::new(),
            // A percent sign stays with its number.
            line => format!(
                "<p class=\"{class}\">{}</p>",
                escape(line).replace(" %", "\u{a0}%")
            ),
        };
        let comparisons = self.comparisons.iter().map(|text| line("versus", text));
        let comparisons: String = comparisons.collect();
        let class = match self.class {
            "" => String::new(),
            class => format!(" {class}"),
        };
        format!(
            "<li><h2>{}</h2><p class=\"value{class}\">{}</p>{}{comparisons}{}</li>\n",
            escape(&self.name),
            escape(&self.value),
            self.picture,
            line("meaning", &self.meaning)
        )
    }
}

impl Origin {
    fn render(&self) -> String {
        let fact = |name: &str, html: String| format!("<dt>{name}</dt><dd>{html}</dd>\n");
        let mut facts = fact("Command", format!("<code>{}</code>", escape(&self.command)));
        facts += &fact("Version", format!("easylife {}", escape(&self.version)));
        for Digest { of, about, sha256 } in &self.digests {
            let about = match about.as_str() {
                "" => String::new(),
                about => format!("{}, ", escape(about)),
            };
            let html = format!("{about}SHA-256 <code>{}</code>", escape(sha256));
            facts += &fact(&text(of), html);
        }
        format!(
            "<footer>\n<h2>How this page was made</h2>\n<dl>\n{facts}</dl>\n{}</footer>\n",
            self.parameters()
        )
    }

    fn parameters(&self) -> String {
        if self.parameters.is_empty() {
            return String::new();
        }
        let row = |(name, value): &(String, String)| vec![text(name), text(value)];
        let table = Table {
            caption: "Parameters that this page depends on".to_owned(),
            columns: columns(&[("Parameter", "name"), ("Value", "")]),
            rows: self.parameters.iter().map(row).collect(),
            class: "plain",
        };
        format!(
            "<details>\n<summary>Parameters ({})</summary>\n{}</details>\n",
            self.parameters.len(),
            table.render()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_of_a_task_link_to_each_other() {
        let to = |here| {
            links("nlp", here)
                .into_iter()
                .map(|link| link.to.unwrap_or_default())
        };
        assert!(to(Kind::Evaluation).eq([
            "index.html",
            "",
            "validate/nlp.html",
            "validate/nlp.prepared.html"
        ]));
        assert!(to(Kind::Raw).eq([
            "../index.html",
            "../nlp.html",
            "",
            "../validate/nlp.prepared.html"
        ]));
    }

    #[test]
    fn a_footer_says_what_the_page_was_made_of() {
        let page = Page {
            title: "T".into(),
            links: vec![
                Link {
                    name: "All tasks".into(),
                    to: Some("index.html".into()),
                },
                Link {
                    name: "Here".into(),
                    to: None,
                },
            ],
            origin: Some(Origin {
                command: "easylife evaluate nlp".into(),
                version: "0.1.0".into(),
                digests: vec![Digest {
                    of: "Model".into(),
                    about: "3 rows".into(),
                    sha256: "ab".into(),
                }],
                parameters: vec![("a".into(), "<b>".into())],
            }),
            ..Page::default()
        };
        let html = page.render();
        assert!(html.contains("<li><a href=\"index.html\">All tasks</a></li>"));
        assert!(html.contains("<li aria-current=\"page\">Here</li>"));
        assert!(html.contains("<dt>Command</dt><dd><code>easylife evaluate nlp</code></dd>"));
        assert!(html.contains("<dd>3 rows, SHA-256 <code>ab</code></dd>"));
        assert!(html.contains("Parameters (1)") && html.contains("&lt;b&gt;"));
    }

    #[test]
    fn parameters_are_flat_and_hide_folders() {
        let block = serde_json::json!({
            "data": {"source": "/home/somebody/secret/reviews.csv", "column": "text"},
            "c": [0.5, 2],
            "gate": [{"min": 1}],
            "note": "a".repeat(300),
            "auto": true,
        });
        let mut flat = parameters("nlp", &block);
        let note = flat.pop_if(|(name, _)| name == "nlp.note").or_else(|| {
            let at = flat.iter().position(|(name, _)| name == "nlp.note")?;
            Some(flat.remove(at))
        });
        assert_eq!(note.unwrap().1.chars().count(), 200);
        flat.sort();
        let expected = [
            ("nlp.auto", "true"),
            ("nlp.c", "[0.5,2]"),
            ("nlp.data.column", "text"),
            ("nlp.data.source", ".../reviews.csv"),
        ];
        let flat: Vec<(&str, &str)> = flat.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(flat, expected);
        assert_eq!(
            parameters("seed", &42.into()),
            [("seed".to_owned(), "42".to_owned())]
        );
    }

    #[test]
    fn figures_show_what_they_have() {
        let bare = Figure {
            name: "A & B".to_owned(),
            value: "12 %".to_owned(),
            ..Figure::default()
        };
        assert_eq!(
            bare.render(),
            "<li><h2>A &amp; B</h2><p class=\"value\">12 %</p></li>\n"
        );
        let full = Figure {
            comparisons: vec!["baseline 7 %".to_owned(), String::new()],
            meaning: "better".to_owned(),
            class: "good",
            ..bare
        };
        assert!(full.render().ends_with(
            "<p class=\"value good\">12 %</p><p class=\"versus\">baseline 7\u{a0}%</p>\
             <p class=\"meaning\">better</p></li>\n"
        ));
    }

    #[test]
    fn a_page_asks_for_nothing_from_elsewhere() {
        let html = Page {
            title: "<script>".to_owned(),
            ..Page::default()
        }
        .render();
        assert!(html.contains("default-src 'none'") && !html.contains("<script"));
        assert!(html.contains("<title>&lt;script&gt;</title>"));
        for part in ["<nav", "<ul class=\"figures\"", "<section", "<footer"] {
            assert!(!html.contains(part), "an empty page has no {part}");
        }
    }
}
