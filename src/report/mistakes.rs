//! A list of rows that were predicted badly: short facts on the left, what was predicted on the right.

/// A row of the list.
pub struct Mistake {
    /// Terms in plain words of ours, and HTML.
    pub facts: Vec<(&'static str, String)>,
    /// HTML.
    pub body: String,
}

/// The list, in the order given.
pub fn list(mistakes: impl IntoIterator<Item = Mistake>) -> String {
    let items: String = mistakes
        .into_iter()
        .map(|mistake| mistake.render())
        .collect();
    format!("<ol class=\"mistakes\">\n{items}</ol>\n")
}

impl Mistake {
    fn render(&self) -> String {
        let fact = |(term, html): &(&str, String)| format!("<dt>{term}</dt><dd>{html}</dd>");
        let facts: String = self.facts.iter().map(fact).collect();
        format!("<li><dl>{facts}</dl><p>{}</p></li>\n", self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_before_what_was_predicted() {
        let mistake = Mistake {
            facts: vec![("is", "a".to_owned()), ("row", "7".to_owned())],
            body: "text".to_owned(),
        };
        assert_eq!(
            list([mistake]),
            "<ol class=\"mistakes\">\n<li><dl><dt>is</dt><dd>a</dd><dt>row</dt><dd>7</dd></dl><p>text</p></li>\n</ol>\n"
        );
    }
}
