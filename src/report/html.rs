//! Text and tables as HTML. All user text on a page is passed through [`text`].

use std::borrow::Cow;

/// Escapes the five special characters of HTML, for content and for quoted attributes.
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

/// User text as HTML: escaped, and isolated so that right-to-left text cannot reorder its surroundings. Shorten it
/// to one line with `format::excerpt` or `format::label` first.
pub fn text(text: &str) -> String {
    format!("<bdi>{}</bdi>", with_breaks(&escape(text)))
}

/// Adds line breaks to long names: after the characters that join words in names, and within a run of letters only if
/// it is longer than any word. Short words stay as they are.
fn with_breaks(escaped: &str) -> String {
    escaped
        .split_inclusive(char::is_whitespace)
        .map(broken)
        .collect()
}

fn broken(word: &str) -> Cow<'_, str> {
    const SHORT: usize = 20;
    const LONGEST_RUN: usize = 32;
    if word.chars().count() <= SHORT {
        return Cow::Borrowed(word);
    }
    let mut out = String::with_capacity(word.len() + 16);
    let (mut run, mut entity) = (0, false);
    let mut characters = word.chars().peekable();
    while let Some(character) = characters.next() {
        out.push(character);
        // An entity is one character and must not be split.
        entity = character == '&' || entity && character != ';';
        if entity {
            continue;
        }
        run += 1;
        let joins = matches!(
            character,
            '_' | '-' | '/' | '.' | ':' | ',' | '|' | '@' | '=' | '+'
        );
        let held = joins_next(character) || characters.peek().is_some_and(|&c| joins_previous(c));
        if (run > 3 && joins || run >= LONGEST_RUN) && !held {
            out.push_str("<wbr>");
            run = 0;
        }
    }
    Cow::Owned(out)
}

/// Whether no line may end after a character: a zero-width joiner or a word joiner.
fn joins_next(character: char) -> bool {
    matches!(character, '\u{200D}' | '\u{2060}')
}

/// Whether no line may end before a character: a mark of the one before it, or an invisible one.
fn joins_previous(character: char) -> bool {
    matches!(character as u32, 0x300..=0x36F | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x2069 | 0xFE00..=0xFE0F)
}

/// Heading of a column that shows the column before it as a picture.
pub const BLANK: &str = "<span aria-hidden=\"true\"></span>";

/// A column of a [`Table`].
pub struct Column {
    /// HTML of its heading.
    pub heading: String,
    /// `""`, or one of the style sheet's cell classes: `n` (numbers), `wide` (a picture that fills the available
    /// width), `name`.
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
    /// The caption above the table, HTML.
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
        let table = format!(
            "<table{}>\n<caption>{}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n",
            class(self.class),
            self.caption
        );
        boxed(&without_tags(&self.caption), &table)
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

/// A box that scrolls horizontally, also by keyboard, if its content is wider than the screen. `name` is plain text.
pub fn scrollable(name: &str, html: &str) -> String {
    boxed(&escape(name), html)
}

fn boxed(name: &str, html: &str) -> String {
    format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{name}\">\n{html}</div>\n"
    )
}

/// The text of HTML, still escaped.
fn without_tags(html: &str) -> String {
    let mut pieces = html.split('<');
    let first = pieces.next().unwrap_or_default().to_owned();
    let rest = pieces.filter_map(|piece| Some(piece.split_once('>')?.1));
    first + &rest.collect::<String>()
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
    fn names_break_after_the_characters_that_join_words() {
        assert_eq!(
            text("card_payment_fee_charged"),
            "<bdi>card_<wbr>payment_<wbr>fee_<wbr>charged</bdi>"
        );
        assert_eq!(text("2025-02-12"), "<bdi>2025-02-12</bdi>");
        let long = text(&"x".repeat(70));
        assert_eq!(long.matches("<wbr>").count(), 2, "{long}");
        assert!(!text("R&D's & others").contains("&amp<wbr>"));
        assert_eq!(without_tags("By <bdi>a_<wbr>b &lt;</bdi>"), "By a_b &lt;");
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

    #[test]
    fn a_caption_names_its_box_without_tags() {
        let table = Table {
            caption: text("a<b"),
            columns: columns(&[("x", "")]),
            rows: vec![vec!["1".into(), "beyond the columns".into()]],
            class: "plain",
        };
        let html = table.render();
        assert!(html.contains("aria-label=\"a&lt;b\""), "{html}");
        assert!(html.contains("<table class=\"plain\">\n<caption><bdi>a&lt;b</bdi></caption>"));
        assert!(!html.contains("beyond"), "no cell without a heading");
    }

    #[test]
    fn no_line_breaks_before_a_combining_mark() {
        let name = format!("{}e\u{301}{}", "x".repeat(31), "y".repeat(20));
        let html = text(&name);
        assert!(html.contains("e\u{301}<wbr>y"), "{html}");
        let marked = text(&"e\u{301}".repeat(40));
        assert_eq!(marked.matches("\u{301}<wbr>e").count(), 2, "{marked}");
        let family = text(&format!("{}\u{1F469}\u{200D}\u{1F467}", "x".repeat(31)));
        assert!(!family.contains("<wbr>\u{200D}") && !family.contains("\u{200D}<wbr>"));
    }

    proptest::proptest! {
        #[test]
        fn text_without_its_tags_is_the_text(words in "[a-z_<>&\"' ./é-]{0,120}") {
            let html = text(&words);
            proptest::prop_assert_eq!(without_tags(&html), escape(&words));
            let unescaped = without_tags(&html)
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&#39;", "'")
                .replace("&amp;", "&");
            proptest::prop_assert_eq!(unescaped, words);
        }
    }
}
