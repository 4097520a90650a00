//! Messages while a verb works: notes, warnings and progress, all on stderr. `cli` prints results on stdout.
//! The only module that knows indicatif.

mod stages;

pub use self::stages::Stages;

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tables::Reading;

/// Parts of a budget that a bar shows.
pub const SHARES: u64 = 1000;

/// How much is printed, and whether in colour. It does not affect outputs.
#[derive(Clone, Copy, Debug)]
pub struct Talk {
    /// -1 with `-q`, 0, or the number of `-v`.
    pub verbosity: i8,
    /// Colour on stderr.
    pub color: bool,
}

impl Talk {
    /// Prints a note; silent with `-q`.
    pub fn note(&self, message: impl AsRef<str>) {
        if self.verbosity >= 0 {
            say(&plain(message.as_ref()));
        }
    }

    /// Notes the detected encoding and delimiter of tables; `how` says how to override each.
    pub fn recognised(&self, path: &Path, reading: Reading, how: impl Fn(&str) -> String) {
        if let Some(note) = tables::describe_encoding(path, reading) {
            self.note(format!("{note}; {}", how("encoding")));
        }
        if let Some(note) = tables::describe_delimiter(path, reading) {
            self.note(format!("{note}; {}", how("delimiter")));
        }
    }

    /// Prints a detail; only with `-v`.
    pub fn detail(&self, message: impl AsRef<str>) {
        if self.verbosity > 0 {
            say(&plain(message.as_ref()));
        }
    }

    /// Prints a warning; never silent.
    pub fn warn(&self, message: impl AsRef<str>) {
        say(&format!(
            "{} {}",
            self.paint("warning:", "33;1"),
            plain(message.as_ref())
        ));
    }

    /// Passes on the output of another program; silent with `-q`.
    pub fn pass_on(&self, bytes: &[u8]) {
        if self.verbosity >= 0 {
            let _ = std::io::stderr().lock().write_all(bytes); // a closed stderr is not an error, as in `say`
        }
    }

    /// Prints the error that ends the run.
    pub fn error(&self, message: impl AsRef<str>) {
        say(&format!(
            "{} {}",
            self.paint("error:", "31;1"),
            plain(message.as_ref())
        ));
    }

    fn paint(&self, word: &str, code: &str) -> String {
        if self.color {
            format!("\x1b[{code}m{word}\x1b[0m")
        } else {
            word.to_owned()
        }
    }

    /// A progress bar over `total` steps (unknown: a counter); hidden unless stderr is a terminal.
    pub fn progress(&self, label: &str, total: Option<u64>) -> ProgressBar {
        let template = match total {
            Some(_) => "{prefix} {wide_bar:.cyan} {human_pos}/{human_len} {per_sec} {eta} left",
            None => "{prefix} {spinner} {human_pos} {per_sec} {elapsed} {msg}",
        };
        self.bar(label, total, template)
    }

    /// A progress bar over a budget in [`SHARES`] parts, with a message; hidden unless stderr is a terminal.
    pub fn share(&self, label: &str) -> ProgressBar {
        let template = "{prefix}, {msg} {wide_bar:.cyan} {percent} % of the budget, {eta} left";
        self.bar(label, Some(SHARES), template)
    }

    fn bar(&self, label: &str, total: Option<u64>, template: &str) -> ProgressBar {
        if self.verbosity < 0 || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(label.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }
}

/// Text that is safe to show on a terminal: names and cells from data may contain control characters, which
/// could move the cursor or worse.
pub fn plain(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match harmful(c) {
            true => escaped.extend(c.escape_default()),
            false => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// Prints a line on stderr. A closed stderr is not an error.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_cannot_control_a_terminal() {
        assert_eq!(plain("a\tb\nc"), "a\tb\nc");
        assert_eq!(
            plain("\u{1b}[31mred\r\u{7f}\u{9b}x"),
            "\\u{1b}[31mred\\r\\u{7f}\\u{9b}x"
        );
    }
}
