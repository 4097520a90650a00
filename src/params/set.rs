//! `-S key=value`: overrides one key of the parameters for one call.

use std::fmt;
use std::str::FromStr;

use yaml::{Node, Reader, Types};

/// One `-S key=value`; the value is YAML.
#[derive(Clone, Debug)]
pub struct Set {
    /// Names joined by dots.
    pub(super) key: String,
    pub(super) value: Node,
    text: String,
}

impl FromStr for Set {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text
            .split_once('=')
            .ok_or("expected key=value, for example nlp.split.test=0.3")?;
        if key.split('.').any(str::is_empty) {
            return Err(format!(
                "`{key}` is not a key; expected names joined by dots"
            ));
        }
        let reader = Reader {
            types: Types::Core,
            ..Reader::default()
        };
        // Nothing in YAML begins so without quotes, which a shell takes away.
        let pattern = (value.starts_with('%')).then(|| format!("'{}'", value.replace('\'', "''")));
        Ok(Self {
            key: key.to_owned(),
            value: reader
                .read(pattern.as_deref().unwrap_or(value))
                .map_err(|fault| format!("`{value}`: {}", fault.reason))?,
            text: text.to_owned(),
        })
    }
}

impl Set {
    /// Whether it changes the value of `key`: it sets the key, a key below it or a key above it.
    pub fn concerns(&self, key: &str) -> bool {
        let within = |inner: &str, outer: &str| {
            let rest = inner.strip_prefix(outer);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        within(&self.key, key) || within(key, &self.key)
    }

    /// As it would be typed in a shell, for an output: quoted if necessary, and without the folders of an absolute
    /// path, which outputs never contain.
    pub fn for_shell(&self) -> String {
        let value = self.text.split_once('=').map_or("", |(_, value)| value);
        let file = value
            .strip_prefix('/')
            .map(|path| path.rsplit('/').next().unwrap_or_default());
        let text = match file {
            Some(file) => format!("{}=.../{file}", self.key),
            None => self.text.clone(),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-=/:,+@%".contains(c);
        match text.chars().all(plain) {
            true => format!("-S {text}"),
            false => format!("-S '{}'", text.replace('\'', "'\\''")),
        }
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "-S {}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use yaml::Data;

    use super::*;

    #[test]
    fn a_set_is_quoted_where_a_shell_would_read_it_otherwise() {
        let spelled = |text: &str| text.parse::<Set>().unwrap().for_shell();
        assert_eq!(spelled("nlp.split.test=0.3"), "-S nlp.split.test=0.3");
        assert_eq!(spelled("ts.season=[7, 365]"), "-S 'ts.season=[7, 365]'");
        assert_eq!(
            spelled("nlp.data.source=/a/b/c.csv"),
            "-S nlp.data.source=.../c.csv"
        );
        assert_eq!(spelled("nlp.data.text=it's"), "-S 'nlp.data.text=it'\\''s'");
    }

    #[test]
    fn a_pattern_needs_no_quotes_within_those_of_the_shell() {
        for (text, value) in [
            ("a=%d/%m/%Y", "%d/%m/%Y"),
            ("a=\"%d/%m\"", "%d/%m"),
            ("a=%H o'clock", "%H o'clock"),
        ] {
            let set: Set = text.parse().unwrap();
            let is_read = matches!(&set.value.data, Data::Str(text) if text == value);
            assert!(is_read, "{text}: {}", set.value);
        }
    }

    #[test]
    fn a_set_concerns_what_it_is_part_of_and_its_parts() {
        let set: Set = "nlp.eval.slices=[a]".parse().unwrap();
        for (key, concerned) in [
            ("nlp.eval", true),
            ("nlp.eval.slices", true),
            ("nlp.eval.slices.0", true),
            ("nlp.ev", false),
            ("nlp.data", false),
        ] {
            assert_eq!(set.concerns(key), concerned, "{key}");
        }
    }
}
