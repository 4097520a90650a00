//! The HTML of a report: one file that needs nothing else. Styles are inlined, there is no script, a
//! content security policy forbids every request, light and dark follow the reader's system, and it
//! prints. Callers decide what sections say; user text reaches a page through [`text`].

/// A page in one file. `title` is plain text; everything else is HTML made by this module's functions.
pub struct Page {
    pub title: String,
    /// One or two sentences under the title, HTML.
    pub summary: String,
    /// The headline numbers as list items, HTML; may be empty.
    pub figures: String,
    pub sections: Vec<Section>,
}

/// A part of a page under a heading of its own.
pub struct Section {
    /// Plain text.
    pub title: String,
    /// How to read what follows, HTML; may be empty.
    pub note: String,
    /// HTML.
    pub body: String,
}

impl Page {
    /// The page's bytes.
    pub fn render(&self) -> String {
        let title = escape(&self.title);
        let sections: String = self.sections.iter().map(Section::render).collect();
        let figures = match self.figures.as_str() {
            "" => String::new(),
            items => format!("<ul class=\"figures\">\n{items}</ul>\n"),
        };
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
             style-src 'unsafe-inline'; img-src data:\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n{STYLE}</style>\n\
             </head>\n<body>\n<main>\n<header>\n<h1>{title}</h1>\n<p class=\"summary\">{}</p>\n\
             {figures}</header>\n{sections}</main>\n</body>\n</html>\n",
            self.summary
        )
    }
}

impl Section {
    fn render(&self) -> String {
        let note = if self.note.is_empty() {
            String::new()
        } else {
            format!("<p class=\"note\">{}</p>\n", self.note)
        };
        format!(
            "<section>\n<h2>{}</h2>\n{note}{}</section>\n",
            escape(&self.title),
            self.body
        )
    }
}

/// The one style sheet of all pages.
const STYLE: &str = include_str!("page.css");

/// Text with the five characters escaped that mean something in HTML, fit for content and for quoted
/// attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(character),
        }
    }
    out
}

/// User text as HTML: escaped, and isolated so that right-to-left text cannot reorder what is around
/// it. Bring it to one line and to size with `format::excerpt` or `format::label` before.
pub fn text(text: &str) -> String {
    format!("<bdi>{}</bdi>", escape(text))
}

/// A column of a [`Table`].
pub struct Column {
    /// HTML of its heading.
    pub heading: String,
    /// `""`, or one of the style sheet's cell classes: `n` (numbers), `wide` (a picture that takes the
    /// room there is), `name`.
    pub class: &'static str,
}

/// Columns from their headings and classes.
pub fn columns(list: &[(&str, &'static str)]) -> Vec<Column> {
    let column = |&(heading, class): &(&str, &'static str)| Column {
        heading: heading.to_owned(),
        class,
    };
    list.iter().map(column).collect()
}

/// A table whose first column names the rows.
pub struct Table {
    /// HTML; says what the table holds, above it.
    pub caption: String,
    pub columns: Vec<Column>,
    /// HTML of each cell; each row has as many as there are columns.
    pub rows: Vec<Vec<String>>,
    /// A class for the table, or `""`.
    pub class: &'static str,
}

impl Table {
    pub fn render(&self) -> String {
        let head: String = self
            .columns
            .iter()
            .map(|column| {
                format!(
                    "<th scope=\"col\"{}>{}</th>",
                    class(column.class),
                    column.heading
                )
            })
            .collect();
        let body: String = self
            .rows
            .iter()
            .map(|row| format!("<tr>{}</tr>\n", self.cells(row)))
            .collect();
        format!(
            "<table{}>\n<caption>{}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n",
            class(self.class),
            self.caption
        )
    }

    fn cells(&self, row: &[String]) -> String {
        let cell = |(index, (html, column)): (usize, (&String, &Column))| match index {
            0 => format!("<th scope=\"row\"{}>{html}</th>", class(column.class)),
            _ => format!("<td{}>{html}</td>", class(column.class)),
        };
        row.iter()
            .zip(&self.columns)
            .enumerate()
            .map(cell)
            .collect()
    }
}

/// A box that scrolls sideways where its content is wider than the screen, by keyboard too. `name` is
/// plain text.
pub fn scrollable(name: &str, html: &str) -> String {
    format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\">\n{html}</div>\n",
        escape(name)
    )
}

fn class(name: &str) -> String {
    if name.is_empty() {
        String::new()
    } else {
        format!(" class=\"{name}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_text_is_markup() {
        assert_eq!(
            escape("<a href=\"x\" id='y'>&amp;"),
            "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;"
        );
        assert_eq!(text("ש<b>"), "<bdi>ש&lt;b&gt;</bdi>");
    }

    #[test]
    fn tables_name_rows_and_columns() {
        let table = Table {
            caption: "Two".into(),
            columns: columns(&[("Class", ""), ("Rows", "n")]),
            rows: vec![vec!["a".into(), "1".into()]],
            class: "",
        };
        assert!(table.render().contains(
            "<thead><tr><th scope=\"col\">Class</th><th scope=\"col\" class=\"n\">Rows</th></tr></thead>\n\
             <tbody>\n<tr><th scope=\"row\">a</th><td class=\"n\">1</td></tr>\n</tbody>"
        ));
    }
}
