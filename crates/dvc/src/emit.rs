//! Writes YAML byte for byte like DVC, that is, like ruamel.yaml's round-trip emitter for plain
//! data (block style, width 80). Follows `ruamel/yaml/emitter.py` 0.19.

use yaml::resolve::{self, Kind};
use yaml::{Data, Node, Reader, Types};

use crate::scalar::{Analysis, Pen, Style};

/// Longer keys are written after `? `.
const SIMPLE_KEY: usize = 128;
/// The limit for keys that may consist of escapes.
const PLAIN_KEY: usize = 64;

/// A mapping `name: value` in a block that is indented by `indent` columns.
///
/// ruamel.yaml writes a few texts in a way that nothing, including itself, can read back, such as a
/// key folded over two lines. In that case every text is written in double quotes on one line.
pub fn entry(name: &str, value: &Node, indent: usize) -> String {
    let name = Node::string(name);
    let written = |plainly: bool| {
        let mut emitter = Emitter {
            pen: Pen::new(),
            plainly,
        };
        emitter.key_and_value(&name, value, indent);
        emitter.pen.line_break();
        emitter.pen.finish()
    };
    let text = written(false);
    match reads_back(&text, &name, value) {
        true => text,
        false => written(true),
    }
}

fn reads_back(text: &str, name: &Node, value: &Node) -> bool {
    let read = READER.read(text);
    read.is_ok_and(|root| {
        let entries = root.as_map().unwrap_or_default();
        matches!(entries, [(key, read)] if key == name && read == value)
    })
}

/// How the output is read back: it must parse to the original value.
pub(crate) const READER: Reader = Reader {
    types: Types::Ruamel,
    source: 0,
    keep_next_line: true,
};

/// A whole document: a mapping.
pub fn document(value: &Node) -> String {
    let entries = value.as_map().unwrap_or_default();
    let mut emitter = Emitter {
        pen: Pen::new(),
        plainly: false,
    };
    emitter.mapping(entries, 0);
    emitter.pen.line_break();
    emitter.pen.finish()
}

struct Emitter {
    pen: Pen,
    /// Whether to write texts in double quotes without folding.
    plainly: bool,
}

/// What contains a value.
#[derive(Clone, Copy, PartialEq)]
enum Within {
    Sequence,
    Mapping,
}

impl Emitter {
    fn mapping(&mut self, entries: &[(Node, Node)], indent: usize) {
        for (key, value) in entries {
            self.key_and_value(key, value, indent);
        }
    }

    fn key_and_value(&mut self, key: &Node, value: &Node, indent: usize) {
        self.pen.indent(indent);
        let (text, tag) = spelled(key, true);
        // ruamel includes the short tag (`!!str`) in the key's length.
        let most = if self.plainly { PLAIN_KEY } else { SIMPLE_KEY };
        if text.chars().count() + tag.len() + 2 < most && !text.contains(BREAKS) {
            self.scalar(key, indent, None);
            self.pen.indicator(":", false, false);
        } else {
            self.pen.indicator("?", true, true);
            self.scalar(key, indent, Some(Within::Mapping));
            self.pen.indent(indent);
            self.pen.indicator(":", true, true);
        }
        self.value(value, indent, Within::Mapping);
    }

    fn value(&mut self, value: &Node, indent: usize, within: Within) {
        match &value.data {
            Data::Map(entries) if entries.is_empty() => self.pen.empty("{}"),
            Data::Map(entries) => self.mapping(entries, indent + 2),
            Data::List(items) if items.is_empty() => self.pen.empty("[]"),
            Data::List(items) => {
                // A list in a mapping is not indented further.
                let within_mapping = within == Within::Mapping && !self.pen.indention;
                let indent = if within_mapping { indent } else { indent + 2 };
                for item in items {
                    self.pen.indent(indent);
                    self.pen.indicator("-", true, true);
                    self.value(item, indent, Within::Sequence);
                }
            }
            _ => self.scalar(value, indent, Some(within)),
        }
    }

    /// `within` is `None` for a simple key, which is not folded.
    fn scalar(&mut self, node: &Node, indent: usize, within: Option<Within>) {
        let key = within.is_none();
        let indent = indent + 2;
        if within == Some(Within::Sequence) {
            self.pen.indent(indent);
        }
        let (text, tag) = spelled(node, key);
        if self.plainly && tag == "str" {
            return self.pen.double_quoted(&text, indent, false);
        }
        let analysis = Analysis::of(&text);
        match style(&text, &analysis, tag, key) {
            Style::Plain => self.pen.plain(&text, indent, !key),
            Style::Single => self.pen.single_quoted(&text, indent, !key),
            Style::Double => self.pen.double_quoted(&text, indent, !key),
        }
    }
}

pub(super) const BREAKS: [char; 4] = ['\n', '\u{85}', '\u{2028}', '\u{2029}'];

/// A scalar's text and the tag ruamel assigns to it.
fn spelled(node: &Node, key: bool) -> (String, &'static str) {
    match &node.data {
        Data::Null => (if key { "null" } else { "" }.to_owned(), "null"),
        Data::Bool(value) => (value.to_string(), "bool"),
        Data::Int(value) => (value.to_string(), "int"),
        Data::Float(value) => {
            let text = yaml::float(*value);
            let special = matches!(text.as_str(), "inf" | "-inf" | "nan");
            let text = match text.strip_prefix('-') {
                Some(rest) if special => format!("-.{rest}"),
                _ if special => format!(".{text}"),
                _ => text,
            };
            (text, "float")
        }
        Data::Str(text) => (text.clone(), "str"),
        Data::Refused(_) => (node.to_string(), "timestamp"),
        Data::List(_) | Data::Map(_) => (node.to_string(), "str"),
    }
}

/// Plain if it would be read back with the same type, otherwise quoted.
fn style(text: &str, analysis: &Analysis, tag: &str, key: bool) -> Style {
    let implicit = match resolve::kind(text) {
        Kind::Str => tag == "str",
        Kind::Null => tag == "null",
        Kind::Bool => tag == "bool",
        Kind::Int => tag == "int",
        Kind::Float => tag == "float",
        _ => false,
    };
    if implicit && !(key && (analysis.empty || analysis.multiline)) && analysis.allow_plain {
        return Style::Plain;
    }
    if text.contains('\'') || text.contains('\n') {
        return Style::Double;
    }
    if analysis.allow_single && !(key && analysis.multiline) {
        return Style::Single;
    }
    Style::Double
}

#[cfg(test)]
mod tests {

    use super::*;

    fn again(text: &str) -> String {
        document(&yaml::parse(text).unwrap())
    }

    /// Expected texts from ruamel.yaml 0.19.1.
    #[test]
    fn the_bytes_are_ruamels() {
        let text = concat!(
            "a:\n  b:\n  c: []\n  d: {}\n  e:\n  - \n  - 1\n  f:\n  - - 1\n    - 2\n",
            "  - - 3\n    - - 4\n  g:\n  - x: 1\n    y:\n    - 1\n  - {}\n",
            "  1: 3\n  null: 4\n  1.5: 6\n",
        );
        assert_eq!(again(text), text);
        let text = concat!(
            "a: x'y\nb: x\"y\nc: \"a\\nb\"\nd: 'a: b'\ne: '#x'\nf: ' x'\ng: 'x '\nh: é\ni: 😀\n",
            "j: \"a\\tb\"\nk: '- x'\nl: '2020-01-01'\nm: '1.0'\nn: ''\no: 'null'\np: '='\n",
            "q: '<<'\nr: '*a'\ns: 'a #b'\nt: a, b\nu: '[x'\nv: '0x1'\nw: yes\nx: '%a'\n",
            "y: '@a'\nz: '`a'\naa: ?x\nab: -x\nac: :x\nad: 'a:'\nae: '!x'\naf: \u{a0}x\n",
            "ag: \"\\a\"\nai: '---'\naj: '--- a'\nak: '...'\nal: '~'\nam: .\n",
        );
        assert_eq!(again(text), text);
    }

    #[test]
    fn long_lines_are_folded_as_ruamel_folds() {
        let text = concat!(
            "stages:\n  predict@nlp:\n",
            "    cmd: pipeline predict nlp -i data/raw/nlp/incoming.csv -o \n",
            "      data/scored/nlp.csv\n",
        );
        assert_eq!(again(text), text);
    }
}
