//! Parses a YAML text into a tree of [`Node`]s: saphyr parses the syntax, ruamel's rules decide the
//! types of scalars.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use crate::node::{At, Data, Fault, Node};
use crate::resolve;

/// Maximum nesting depth; no real pipeline comes near it.
const DEPTH: usize = 200;
/// Maximum number of values after aliases are expanded.
const NODES: usize = 2_000_000;

/// Which types plain scalars have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Types {
    /// The types of ruamel.yaml for YAML 1.2: `017` and `1_000` are whole numbers; dates and
    /// numbers of more than 128 bits are [`Data::Refused`].
    #[default]
    Ruamel,
    /// The types of YAML's core schema: everything that is not clearly a number, a boolean or null
    /// is a string, including `017`, `1_000` and dates.
    Core,
}

/// How a text is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reader {
    /// Which types plain scalars have.
    pub types: Types,
    /// The [`At::source`] of its nodes.
    pub source: usize,
    /// Within quotes, keeps a next-line character (U+0085) as it is, as ruamel.yaml's writer means
    /// it, instead of turning it into a space like ruamel.yaml's reader. For files written by such
    /// a writer.
    pub keep_next_line: bool,
}

/// Parses one YAML document with the types of ruamel.yaml; an empty text is null.
///
/// # Errors
/// Those of [`Reader::read`].
///
/// # Examples
/// ```
/// let root = easylife_yaml::parse("stages:\n  train:\n    cmd: [x, 017]\n")?;
/// let cmd = root.get("stages").and_then(|stages| stages.get("train")).unwrap().get("cmd").unwrap();
/// assert_eq!((cmd.at.line, cmd.at.column), (3, 10));
/// assert_eq!(cmd.to_string(), "[\"x\", 17]");
/// let twice = easylife_yaml::parse("a: 1\na: 2\n").unwrap_err();
/// assert!(twice.to_string().starts_with("2:1: "));
/// # Ok::<(), easylife_yaml::Fault>(())
/// ```
pub fn parse(text: &str) -> Result<Node, Fault> {
    Reader::default().read(text)
}

impl Reader {
    /// Parses one YAML document; an empty text is null. Aliases and `<<` are resolved.
    ///
    /// # Errors
    /// Invalid YAML, a duplicate key, a tag outside YAML's core schema, nesting deeper than 200
    /// levels, or aliases that expand to more than two million values; each with its line and
    /// column.
    pub fn read(self, text: &str) -> Result<Node, Fault> {
        self.read_text(text)
            .map_err(|fault| match merge_mark(text) {
                Some(mark) => Fault {
                    at: At {
                        source: self.source,
                        ..mark.at
                    },
                    ..mark
                },
                None => fault,
            })
    }

    fn read_text(self, text: &str) -> Result<Node, Fault> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut builder = Builder {
            reader: self,
            chars: match text.contains(BREAKS) {
                true => text.chars().collect(),
                false => Vec::new(),
            },
            ..Builder::default()
        };
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| Fault {
                at: self.at(error.marker()),
                reason: format!("invalid YAML: {}{}", error.info(), advice(error.info())),
            })?;
            builder.event(event, span)?;
        }
        Ok(builder.root.unwrap_or(Node::at(
            At {
                source: self.source,
                ..At::default()
            },
            Data::Null,
        )))
    }

    fn at(self, marker: &Marker) -> At {
        At {
            line: marker.line(),
            column: marker.col() + 1,
            source: self.source,
        }
    }
}

/// Finds a conflict marker of an unfinished git merge in a text that cannot be parsed: one of the
/// three kinds of lines that git puts around the two sides of a conflict.
///
/// # Examples
/// ```
/// let text = "a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> other\n";
/// assert_eq!(easylife_yaml::merge_mark(text).unwrap().at.line, 2);
/// assert!(easylife_yaml::merge_mark("a: 1\n").is_none());
/// ```
pub fn merge_mark(text: &str) -> Option<Fault> {
    let is_mark = |line: &str, mark: &str| {
        line.strip_prefix(mark)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let (number, line) = text.lines().enumerate().find(|(_, line)| {
        let marks = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];
        marks.iter().any(|mark| is_mark(line, mark))
    })?;
    Some(Fault {
        at: At {
            line: number + 1,
            column: 1,
            source: 0,
        },
        reason: format!(
            "`{}` is a conflict marker of an unfinished merge; keep one side of each conflict and remove the lines \
             with <<<<<<<, ======= and >>>>>>>",
            line.chars().take(40).collect::<String>()
        ),
    })
}

/// The characters besides the newline that ruamel.yaml treats as line breaks within quotes.
const BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

/// What to do about a fault that the parser names.
fn advice(fault: &str) -> &'static str {
    match fault.contains("unexpected character: `%") {
        true => "; put a value that begins with % in quotes",
        false => "",
    }
}

/// The text of a quoted scalar that contains such breaks: blanks around them are indentation, and
/// the break itself belongs to the text. U+0085 is kept if `keep` is true; otherwise it is a
/// newline, which folds.
fn fold_breaks(text: &str, keep: bool) -> String {
    let blank = |c: char| c == ' ' || c == '\t';
    let mut folded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(BREAKS) {
        folded.push_str(rest[..start].trim_end_matches(blank));
        let mut kept = String::new();
        let mut newlines = 0;
        rest = &rest[start..];
        while let Some(c) = rest.chars().next().filter(|c| BREAKS.contains(c)) {
            match c {
                '\u{85}' if !keep => newlines += 1,
                c => kept.push(c),
            }
            rest = rest[c.len_utf8()..].trim_start_matches(blank);
        }
        match (kept.is_empty(), newlines) {
            (true, 1) => kept.push(' '),
            (true, more) => kept.extend(std::iter::repeat_n('\n', more - 1)),
            _ => {}
        }
        folded.push_str(&kept);
    }
    folded + rest
}

#[derive(Default)]
struct Builder {
    reader: Reader,
    /// The text, if it contains one of [`BREAKS`].
    chars: Vec<char>,
    open: Vec<Open>,
    anchors: Vec<(usize, Node)>,
    root: Option<Node>,
    nodes: usize,
}

/// A list or mapping that is not closed yet.
struct Open {
    at: At,
    anchor: usize,
    items: Items,
}

enum Items {
    List(Vec<Node>),
    Map {
        entries: Vec<(Node, Node)>,
        key: Option<Node>,
    },
}

impl Builder {
    fn event(&mut self, event: Event, span: Span) -> Result<(), Fault> {
        let at = self.reader.at(&span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let text = self.quoted(text, style, span);
                let node = scalar(&text, style, tag.as_deref(), at, self.reader.types)?;
                self.close(node, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_tag(tag.as_deref(), "seq", at)?;
                self.start(at, anchor, Items::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                refuse_tag(tag.as_deref(), "map", at)?;
                let entries = Vec::new();
                self.start(at, anchor, Items::Map { entries, key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.close(open.items.finish(open.at)?, open.anchor),
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let known = self.anchors.iter().rev().find(|(id, _)| *id == anchor);
                let node = known.map(|(_, node)| node.clone()).ok_or(Fault {
                    at,
                    reason: "an alias to an undefined anchor".to_owned(),
                })?;
                self.nodes += size(&node);
                if self.open.len() + depth(&node) > DEPTH {
                    return Err(too_deep(at));
                }
                self.close(node, 0)
            }
            Event::DocumentStart(_) if self.root.is_some() => Err(Fault {
                at,
                reason: "a second document; expected only one".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    fn start(&mut self, at: At, anchor: usize, items: Items) -> Result<(), Fault> {
        if self.open.len() >= DEPTH {
            return Err(too_deep(at));
        }
        self.open.push(Open { at, anchor, items });
        Ok(())
    }

    /// The text of a scalar, with literal breaks folded and escaped ones kept.
    fn quoted<'a>(
        &self,
        text: std::borrow::Cow<'a, str>,
        style: ScalarStyle,
        span: Span,
    ) -> std::borrow::Cow<'a, str> {
        if self.chars.is_empty() || !text.contains(BREAKS) {
            return text;
        }
        let written = self.chars.get(span.start.index()..span.end.index());
        let written = written.unwrap_or_default();
        let raw = written.iter().any(|c| BREAKS.contains(c));
        let folds = match style {
            ScalarStyle::SingleQuoted => raw,
            // If some are escaped and some are not, they can no longer be distinguished.
            ScalarStyle::DoubleQuoted => raw && !written.contains(&'\\'),
            _ => false,
        };
        match folds {
            true => fold_breaks(&text, self.reader.keep_next_line).into(),
            false => text,
        }
    }

    /// Adds a finished value to its parent.
    fn close(&mut self, node: Node, anchor: usize) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes > NODES {
            return Err(node.fault("too many values"));
        }
        if anchor > 0 {
            self.anchors.push((anchor, node.clone()));
        }
        match self.open.last_mut().map(|open| &mut open.items) {
            None => self.root = Some(node),
            Some(Items::List(items)) => items.push(node),
            Some(Items::Map { entries, key }) => match key.take() {
                None => *key = Some(node),
                Some(key) => entries.push((key, node)),
            },
        }
        Ok(())
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.data {
        Data::List(items) => items.iter().map(size).sum(),
        Data::Map(entries) => entries.iter().map(|(_, value)| 1 + size(value)).sum(),
        _ => 0,
    }
}

/// Nesting depth of lists and mappings; at most [`DEPTH`] levels are ever built.
fn depth(node: &Node) -> usize {
    match &node.data {
        Data::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Data::Map(entries) => 1 + entries.iter().map(|(_, v)| depth(v)).max().unwrap_or(0),
        _ => 0,
    }
}

fn too_deep(at: At) -> Fault {
    Fault {
        at,
        reason: format!("nested deeper than {DEPTH} levels"),
    }
}

impl Items {
    fn finish(self, at: At) -> Result<Node, Fault> {
        let data = match self {
            Self::List(items) => Data::List(items),
            Self::Map { entries, .. } => Data::Map(merged(entries)?),
        };
        Ok(Node::at(at, data))
    }
}

/// Refuses duplicate keys and resolves `<<`.
fn merged(entries: Vec<(Node, Node)>) -> Result<Vec<(Node, Node)>, Fault> {
    let mut seen = std::collections::HashSet::new();
    let mut own: Vec<(Node, Node)> = Vec::with_capacity(entries.len());
    let mut below: Vec<(Node, Node)> = Vec::new();
    for (key, value) in entries {
        if key.is_merge() {
            below.extend(merge_source(value)?);
            continue;
        }
        if key.is_composite() {
            return Err(key.fault("a list or mapping cannot be a key"));
        }
        if !seen.insert(key.to_string()) {
            return Err(key.fault(format!("the key {key} is given twice")));
        }
        own.push((key, value));
    }
    for (key, value) in below {
        if !own.iter().any(|(known, _)| *known == key) {
            own.push((key, value));
        }
    }
    Ok(own)
}

/// The spelling of a plain `<<`, which is a string everywhere except as a key.
const MERGE: &str = "<<";

impl Node {
    /// Whether it is a plain `<<`, the only string that keeps its spelling.
    fn is_merge(&self) -> bool {
        matches!(self.data, Data::Str(_)) && self.spelling.as_deref() == Some(MERGE)
    }
}

fn merge_source(value: Node) -> Result<Vec<(Node, Node)>, Fault> {
    let at = value.at;
    match value.data {
        Data::Map(entries) => Ok(entries),
        Data::List(items) => {
            let mut all = Vec::new();
            for item in items {
                all.extend(merge_source(item)?);
            }
            Ok(all)
        }
        _ => Err(Fault {
            at,
            reason: "`<<` expects a mapping or a list of mappings".to_owned(),
        }),
    }
}

fn refuse_tag(tag: Option<&Tag>, allowed: &str, at: At) -> Result<(), Fault> {
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == allowed) => Err(Fault {
            at,
            reason: format!("the tag {tag} is not supported"),
        }),
        _ => Ok(()),
    }
}

fn scalar(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    at: At,
    types: Types,
) -> Result<Node, Fault> {
    let refuse = |reason: String| Fault { at, reason };
    let string = || Data::Str(text.to_owned());
    let data = match tag {
        None if style != ScalarStyle::Plain => string(),
        None if types == Types::Core => return Ok(core(text, at)),
        None => match resolve::kind(text) {
            resolve::Kind::Merge => return Ok(spelled(text, at, string())),
            resolve::Kind::Timestamp => {
                let reason =
                    format!("{text} is a date, which is not supported here; put it in quotes");
                return Ok(spelled(text, at, Data::Refused(reason.into())));
            }
            resolve::Kind::Reserved => {
                return Err(refuse(format!(
                    "`{text}` is reserved in YAML; put it in quotes"
                )));
            }
            _ => match resolve::value(text) {
                Some(value) => value,
                None => {
                    let reason = format!("{text} is too long to be a number; put it in quotes");
                    return Ok(spelled(text, at, Data::Refused(reason.into())));
                }
            },
        },
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => string(),
        Some(tag) if tag.is_yaml_core_schema() => typed(&tag.suffix, text)
            .ok_or_else(|| refuse(format!("`{text}` is not a valid {}", tag.suffix)))?,
        Some(tag) => return Err(refuse(format!("the tag {tag} is not supported"))),
    };
    Ok(Node::at(at, data))
}

/// A plain scalar of the core schema; it keeps its spelling.
fn core(text: &str, at: At) -> Node {
    match resolve::core(text) {
        Data::Str(plain) if plain != MERGE => Node::at(at, Data::Str(plain)),
        data => spelled(text, at, data),
    }
}

fn spelled(text: &str, at: At, data: Data) -> Node {
    Node {
        at,
        data,
        spelling: Some(text.into()),
    }
}

/// A scalar with an explicit tag.
fn typed(tag: &str, text: &str) -> Option<Data> {
    match (tag, resolve::value(text)?) {
        ("int", Data::Int(value)) => Some(Data::Int(value)),
        ("float", Data::Int(value)) => Some(Data::Float(value as f64)),
        ("float", Data::Float(value)) => Some(Data::Float(value)),
        ("bool", Data::Bool(value)) => Some(Data::Bool(value)),
        ("null", Data::Null) => Some(Data::Null),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let fault = parse(text).expect_err("must be refused");
        format!("{}:{}: {}", fault.at.line, fault.at.column, fault.reason)
    }

    #[test]
    fn values_know_their_place_and_their_type() {
        let root = parse("a:\n  b: [1, 'x', 0x10]\n  \"c\": ~\n").unwrap();
        let b = root.get("a").unwrap().get("b").unwrap();
        assert_eq!(b.to_string(), "[1, \"x\", 16]");
        assert_eq!((b.at.line, b.at.column), (2, 6));
    }

    #[test]
    fn aliases_and_merges_are_resolved() {
        let root = parse("base: &b {x: 1, y: 2}\nmore:\n  <<: *b\n  y: 3\n").unwrap();
        assert_eq!(root.get("more").unwrap().to_string(), "{y: 3, x: 1}");
    }

    #[test]
    fn what_has_no_place_in_the_tree_is_refused() {
        assert!(refused("a: 1\na: 2\n").starts_with("2:1: the key"));
        assert!(refused("a: !x 1\n").contains("tag"));
        assert!(refused("a: [1\nb: 2\n").contains("invalid YAML"));
        assert!(refused("a: %d/%m\n").contains("put a value that begins with % in quotes"));
        assert!(refused(&("- ".repeat(1000) + "x\n")).contains("nested deeper"));
    }

    #[test]
    fn what_has_no_value_is_refused_where_it_is_needed() {
        let root = parse("a: 1\nb: [x, 2020-01-01]\n").unwrap();
        assert!(root.get("a").unwrap().check().is_ok());
        let fault = root.check().unwrap_err();
        assert_eq!((fault.at.line, fault.at.column), (2, 8));
        assert!(fault.reason.starts_with("2020-01-01 is a date"));
        let long = format!("a: {}", "9".repeat(60));
        assert!(parse(&long).unwrap().check().is_err());
    }

    #[test]
    fn marks_of_a_merge_are_named_as_such() {
        let text = "a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> other\n";
        assert!(
            refused(text)
                .starts_with("2:1: `<<<<<<< HEAD` is a conflict marker of an unfinished merge")
        );
        assert!(parse("a: '=======  '\nb: \"<<<<<<<\"\n").is_ok());
    }

    /// Expected values from ruamel.yaml 0.19.1.
    #[test]
    fn line_separators_within_quotes_fold_as_in_ruamel() {
        for (text, expected) in [
            ("'a\u{2028}  b'", "a\u{2028}b"),
            ("'a \u{2028}\u{2029}  b'", "a\u{2028}\u{2029}b"),
            ("'\u{2028}   '", "\u{2028}"),
            ("\"a \u{2028} b\"", "a\u{2028}b"),
            ("\"a \\L b\"", "a \u{2028} b"),
            ("'a \u{85} b'", "a b"),
            ("'a\u{85}\u{85}  b'", "a\nb"),
        ] {
            assert_eq!(parse(text).unwrap().as_str(), Some(expected), "{text:?}");
        }
        let reader = Reader {
            keep_next_line: true,
            ..Reader::default()
        };
        let read = reader.read("'a\u{85}  b'").unwrap();
        assert_eq!(read.as_str(), Some("a\u{85}b"));
    }

    #[test]
    fn only_a_plain_merge_key_merges() {
        let root = parse("a: <<\n'<<': 1\n\"\\0<<\": 2\n").unwrap();
        assert_eq!(root.get("a").unwrap().as_str(), Some("<<"));
        assert_eq!(root.get("<<").unwrap().to_string(), "1");
        assert_eq!(root.get("\0<<").unwrap().to_string(), "2");
    }

    #[test]
    fn aliases_cannot_nest_deeper_than_the_text() {
        let mut text = String::from("a0: &a0 [x]\n");
        for i in 1..1000 {
            text += &format!("a{i}: &a{i} [[[[[[[[[[*a{}]]]]]]]]]]\n", i - 1);
        }
        assert!(refused(&text).contains("nested deeper"));
    }

    #[test]
    fn in_the_core_schema_everything_but_numbers_is_a_string() {
        let reader = Reader {
            types: Types::Core,
            source: 3,
            keep_next_line: false,
        };
        let root = reader
            .read("[017, 1_000, 2020-01-01, =, yes, 0x1F, -0o7, 1e3, .5, 12e, .inf, nan, +1, '1', ~, '']")
            .unwrap();
        assert_eq!(
            root.to_string(),
            "[\"017\", \"1_000\", \"2020-01-01\", \"=\", \"yes\", 31, -7, 1000.0, 0.5, \"12e\", inf, \"nan\", 1, \
             \"1\", null, \"\"]"
        );
        let first = &root.as_list().unwrap()[5];
        assert_eq!((first.as_written(), first.at.source), (Some("0x1F"), 3));
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for i in 1..9 {
            let items = vec![format!("*a{}", i - 1); 10].join(", ");
            text += &format!("a{i}: &a{i} [{items}]\n");
        }
        assert!(refused(&text).contains("too many"));
    }
}
