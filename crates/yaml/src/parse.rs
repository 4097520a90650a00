//! A YAML text into a tree of [`Node`]s: saphyr reads the syntax, the types of scalars are ruamel's.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use crate::node::{At, Data, Fault, Node};
use crate::resolve;

/// Deeper nesting is refused: no honest pipeline has it.
const DEPTH: usize = 200;
/// Values that aliases may add up to.
const NODES: usize = 2_000_000;

/// Which types plain scalars have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Types {
    /// As ruamel.yaml reads YAML 1.2: `017` and `1_000` are whole numbers; dates are refused.
    #[default]
    Ruamel,
    /// YAML's core schema: what is not surely a number, a boolean or null is a text, so `017`, `1_000`
    /// and dates are.
    Core,
}

/// How a text is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reader {
    /// Which types plain scalars have.
    pub types: Types,
    /// What [`At::source`] of its nodes is.
    pub source: usize,
}

/// Reads one YAML document with the types of ruamel.yaml; an empty text is null.
///
/// # Errors
/// As [`Reader::read`].
pub fn parse(text: &str) -> Result<Node, Fault> {
    Reader::default().read(text)
}

impl Reader {
    /// Reads one YAML document; an empty text is null. Aliases and `<<` are resolved.
    ///
    /// # Errors
    /// With line and column: a text that is not YAML, a key given twice, a tag outside of YAML's core
    /// schema, nesting deeper than 200 levels, and aliases that add up to more than two million values.
    pub fn read(self, text: &str) -> Result<Node, Fault> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut builder = Builder {
            reader: self,
            ..Builder::default()
        };
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| Fault {
                at: self.at(error.marker()),
                reason: format!("invalid YAML: {}", error.info()),
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

#[derive(Default)]
struct Builder {
    reader: Reader,
    open: Vec<Open>,
    anchors: Vec<(usize, Node)>,
    root: Option<Node>,
    nodes: usize,
}

/// A list or mapping whose end has not come yet.
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
                    reason: "an alias to something that is not there".to_owned(),
                })?;
                self.nodes += size(&node);
                if self.open.len() + depth(&node) > DEPTH {
                    return Err(too_deep(at));
                }
                self.close(node, 0)
            }
            Event::DocumentStart(_) if self.root.is_some() => Err(Fault {
                at,
                reason: "a second document; one is expected".to_owned(),
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

    /// Puts a finished value where it belongs.
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

/// Levels of lists and mappings; at most [`DEPTH`] of them are ever built.
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

/// Refuses keys given twice and resolves `<<`.
fn merged(entries: Vec<(Node, Node)>) -> Result<Vec<(Node, Node)>, Fault> {
    let mut seen = std::collections::HashSet::new();
    let mut own: Vec<(Node, Node)> = Vec::with_capacity(entries.len());
    let mut below: Vec<(Node, Node)> = Vec::new();
    for (key, value) in entries {
        if matches!(&key.data, Data::Str(text) if text == MERGE) {
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

/// How a plain `<<` key is marked until its mapping ends; no text can hold it.
const MERGE: &str = "\0<<";

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
            reason: "`<<` merges a mapping or a list of them".to_owned(),
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
            resolve::Kind::Merge => Data::Str(MERGE.to_owned()),
            resolve::Kind::Timestamp => {
                return Err(refuse(format!(
                    "{text} is a date, which is not supported here; put it in quotes"
                )));
            }
            resolve::Kind::Reserved => {
                return Err(refuse(format!(
                    "`{text}` is reserved in YAML; put it in quotes"
                )));
            }
            _ => resolve::value(text).ok_or_else(|| refuse(format!("{text} is too long")))?,
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
    let data = match text {
        "<<" => Data::Str(MERGE.to_owned()),
        _ => resolve::core(text),
    };
    let spelling = (!matches!(data, Data::Str(_))).then(|| text.into());
    Node { at, data, spelling }
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
        assert!(refused("a: 2020-01-01\n").contains("date"));
        assert!(refused("a: !x 1\n").contains("tag"));
        assert!(refused("a: [1\nb: 2\n").contains("invalid YAML"));
        assert!(refused(&("- ".repeat(1000) + "x\n")).contains("nested deeper"));
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
    fn in_the_core_schema_what_is_no_number_is_a_text() {
        let reader = Reader {
            types: Types::Core,
            source: 3,
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
