//! Texts without secrets and control characters.

/// A text without what may be secret in its URLs: user name, password and query. None if it has
/// no such thing.
pub(super) fn without_secrets(text: &str) -> Option<String> {
    let mut clean = String::new();
    let mut rest = text;
    let mut changed = false;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        clean += before;
        let ends = |letter: char| letter.is_whitespace() || "\"'<>,;)]}".contains(letter);
        let (url, left) = after.split_at(after.find(ends).unwrap_or(after.len()));
        let (place, query) = url
            .split_once('?')
            .map_or((url, None), |(place, _)| (place, Some("")));
        let host_end = place.find('/').unwrap_or(place.len());
        let kept = place[..host_end]
            .rfind('@')
            .map_or(place, |at| &place[at + 1..]);
        clean += kept;
        clean += query.map_or("", |_| "?...");
        changed |= kept.len() < place.len() || (query.is_some() && !url.ends_with("?..."));
        rest = left;
    }
    clean += rest;
    changed.then_some(clean)
}

/// The beginning of a text, without control characters.
pub(super) fn printable(text: &str, most: usize) -> String {
    let clean = |letter: char| if letter.is_control() { ' ' } else { letter };
    let mut start: String = text.chars().take(most).map(clean).collect();
    if text.chars().nth(most).is_some() {
        start += "...";
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lose_what_may_be_secret() {
        for (text, expected) in [
            ("https://ann:pass@host/a", "https://host/a"),
            ("s3://key@bucket/x y", "s3://bucket/x y"),
            ("http://host/a?sig=1&b=2", "http://host/a?..."),
            (
                "a http://u@h, b http://v:w@i/?q",
                "a http://h, b http://i/?...",
            ),
            ("{\"uri\": \"http://u:p@h/\"}", "{\"uri\": \"http://h/\"}"),
            ("http://u:p@ss@h:1/", "http://h:1/"),
        ] {
            assert_eq!(without_secrets(text).as_deref(), Some(expected), "{text}");
            // What was cleaned is clean.
            assert_eq!(without_secrets(expected), None, "{expected}");
        }
        for text in ["", "http://h/a@b", "ann@example.org", "a://", "1 ?: 2"] {
            assert_eq!(without_secrets(text), None, "{text}");
        }
    }

    #[test]
    fn messages_are_cut_and_have_no_control_characters() {
        assert_eq!(printable("a\n\u{1b}é", 9), "a  é");
        assert_eq!(printable("aéb", 2), "aé...");
    }
}
