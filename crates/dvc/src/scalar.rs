//! Which styles can represent a scalar, and the writer for them: ruamel.yaml's analysis and its
//! three writers, column for column.

use crate::emit::BREAKS;

/// How a text is written: as it is, in single or in double quotes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Style {
    Plain,
    Single,
    Double,
}

/// The styles that can represent a text.
pub struct Analysis {
    pub empty: bool,
    pub multiline: bool,
    pub allow_plain: bool,
    pub allow_single: bool,
}

fn is_break(c: char) -> bool {
    BREAKS.contains(&c)
}

fn is_blank(c: char) -> bool {
    matches!(c, '\0' | ' ' | '\t' | '\r') || is_break(c)
}

/// Characters that need no escape.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}'
        | '\u{10000}'..='\u{10ffff}')
        && c != '\u{feff}'
}

impl Analysis {
    pub fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let (Some(&first), Some(&last)) = (chars.first(), chars.last()) else {
            return Self {
                empty: true,
                multiline: false,
                allow_plain: true,
                allow_single: true,
            };
        };
        let edge = |c: char| c == ' ' || is_break(c);
        let pair =
            |a: fn(char) -> bool, b: fn(char) -> bool| chars.windows(2).any(|w| a(w[0]) && b(w[1]));
        let is_space = |c: char| c == ' ';
        let multiline = chars.iter().any(|&c| is_break(c));
        let special = !chars.iter().all(|&c| is_printable(c));
        let break_space = pair(is_break, is_space);
        let space_break = pair(is_space, is_break);
        Self {
            empty: false,
            multiline,
            allow_plain: !(multiline
                || special
                || edge(first)
                || edge(last)
                || break_space
                || has_indicators(text, &chars)),
            allow_single: !(special || break_space || space_break),
        }
    }
}

/// Whether a block scalar would be read as something other than its text.
fn has_indicators(text: &str, chars: &[char]) -> bool {
    if text.starts_with("---") || text.starts_with("...") {
        return true;
    }
    let blank_after = |i: usize| chars.get(i + 1).is_none_or(|&c| is_blank(c));
    chars.iter().enumerate().any(|(i, &c)| match c {
        _ if i == 0 && "#,[]{}&*!|>'\"%@`".contains(c) => true,
        '?' | '-' if i == 0 => blank_after(0),
        ':' => blank_after(i),
        '#' => i > 0 && is_blank(chars[i - 1]),
        _ => false,
    })
}

/// Writes text and tracks the column.
pub struct Pen {
    out: String,
    column: usize,
    /// Whether the last character is white space, or nothing has been written on this line.
    whitespace: bool,
    /// Whether only indentation and indicators are on this line so far.
    pub indention: bool,
}

const WIDTH: usize = 80;

impl Pen {
    /// An empty page, at the start of its first line.
    pub fn new() -> Self {
        Self {
            out: String::new(),
            column: 0,
            whitespace: true,
            indention: true,
        }
    }

    /// The text that was written.
    pub fn finish(self) -> String {
        self.out
    }

    /// Ends the line.
    pub fn line_break(&mut self) {
        self.out.push('\n');
        self.whitespace = true;
        self.indention = true;
        self.column = 0;
    }

    /// Moves to column `indent`, on a new line unless nothing precedes it on this one.
    pub fn indent(&mut self, indent: usize) {
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.line_break();
        }
        if self.column < indent {
            self.whitespace = true;
            self.out
                .extend(std::iter::repeat_n(' ', indent - self.column));
            self.column = indent;
        }
    }

    /// Writes a mark as `-` or `:`, behind a space if it needs one. `indention` says that only marks
    /// and spaces are before it, so that a collection may begin on this line.
    pub fn indicator(&mut self, text: &str, need_whitespace: bool, indention: bool) {
        if need_whitespace && !self.whitespace {
            self.put(" ");
        }
        self.put(text);
        self.whitespace = false;
        self.indention = self.indention && indention;
    }

    /// `[]` or `{}`.
    pub fn empty(&mut self, text: &str) {
        self.indicator(text, true, false);
    }

    fn put(&mut self, text: &str) {
        self.column += text.chars().count();
        self.out.push_str(text);
    }

    fn put_chars(&mut self, chars: &[char]) {
        self.column += chars.len();
        self.out.extend(chars);
    }

    /// Writes a text without breaks. Words that do not fit start a new line if `split` allows it.
    pub fn plain(&mut self, text: &str, indent: usize, split: bool) {
        if text.is_empty() {
            return;
        }
        if !self.whitespace {
            self.put(" ");
        }
        self.whitespace = false;
        self.indention = false;
        let chars: Vec<char> = text.chars().collect();
        let mut start = 0;
        while start < chars.len() {
            let space = chars[start] == ' ';
            let run = chars[start..].iter().take_while(|&&c| (c == ' ') == space);
            let end = start + run.count();
            let folds = if space {
                end - start == 1 && self.column >= WIDTH && split
            } else {
                self.column + (end - start) > WIDTH && self.column > indent
            };
            if folds {
                self.indent(indent);
                self.whitespace = false;
                self.indention = false;
            }
            if !(folds && space) {
                self.put_chars(&chars[start..end]);
            }
            start = end;
        }
    }

    /// Writes a text in single quotes, folded at spaces if `split`; lines that follow are indented by
    /// `indent`.
    pub fn single_quoted(&mut self, text: &str, indent: usize, split: bool) {
        self.indicator("'", true, false);
        let chars: Vec<char> = text.chars().collect();
        let mut start = 0;
        while start < chars.len() {
            let class = |c: char| (c == ' ', is_break(c), c == '\'');
            let kind = class(chars[start]);
            let run = chars[start..].iter().take_while(|&&c| class(c) == kind);
            let end = start + run.count();
            let part = &chars[start..end];
            match kind {
                (true, ..) => {
                    let folds = part.len() == 1
                        && self.column > WIDTH
                        && split
                        && start != 0
                        && end != chars.len();
                    if folds {
                        self.indent(indent);
                    } else {
                        self.put_chars(part);
                    }
                }
                (_, true, _) => self.breaks(part, indent),
                (.., true) => part.iter().for_each(|_| self.put("''")),
                _ => self.put_chars(part),
            }
            start = end;
        }
        self.indicator("'", false, false);
    }

    fn breaks(&mut self, breaks: &[char], indent: usize) {
        if breaks[0] == '\n' {
            self.line_break();
        }
        for &c in breaks {
            self.line_break();
            if c != '\n' {
                self.out.pop();
                self.out.push(c);
            }
        }
        self.indent(indent);
    }

    /// Writes a text in double quotes with escapes, folded likewise.
    pub fn double_quoted(&mut self, text: &str, indent: usize, split: bool) {
        self.indicator("\"", true, false);
        let chars: Vec<char> = text.chars().collect();
        let (mut start, mut end) = (0, 0);
        while end <= chars.len() {
            let c = chars.get(end).copied();
            if c.is_none_or(|c| matches!(c, '"' | '\\') || !is_printable(c) || is_break(c)) {
                if start < end {
                    self.put_chars(&chars[start..end]);
                    start = end;
                }
                if let Some(c) = c {
                    self.put(&escaped(c));
                    start = end + 1;
                }
            }
            if 0 < end
                && end + 1 < chars.len()
                && (c == Some(' ') || start >= end)
                && (self.column + end).saturating_sub(start) > WIDTH
                && split
            {
                start = self.fold_double(&chars, start, end, indent);
            }
            end += 1;
        }
        self.indicator("\"", false, false);
    }

    /// Ends the line within a double-quoted text, with a backslash if the break would be read as an
    /// extra space. Returns where the rest starts.
    fn fold_double(
        &mut self,
        chars: &[char],
        mut start: usize,
        end: usize,
        indent: usize,
    ) -> usize {
        let backslash = needs_backslash(chars, start, end);
        if start < end {
            self.put_chars(&chars[start..end]);
            start = end;
        }
        if backslash {
            self.put("\\");
        }
        self.indent(indent);
        self.whitespace = false;
        self.indention = false;
        if chars.get(start) == Some(&' ') {
            if backslash {
                self.put("\\");
            } else {
                start += 1;
            }
        }
        start
    }
}

fn needs_backslash(chars: &[char], start: usize, end: usize) -> bool {
    let Some(mut space) = (end..chars.len()).find(|&i| chars[i] == ' ') else {
        return true;
    };
    if let Some(line) = (end..space).find(|&i| chars[i] == '\n') {
        space = line;
    }
    let Some(&after) = chars.get(space + 1) else {
        return true;
    };
    if chars[space] == '\n' && after != ' ' {
        return true;
    }
    let quotes = chars[end..space].iter().any(|c| matches!(c, '"' | '\''));
    let two_spaces = end > 0 && chars[end - 1] == ' ' && chars[end] == ' ';
    quotes || matches!(after, ' ' | '\n') || two_spaces || start == end
}

fn escaped(c: char) -> String {
    let short = match c {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(c);
            return match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            };
        }
    };
    format!("\\{short}")
}
