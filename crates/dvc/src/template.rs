//! `${...}` in dvc.yaml: DVC's own small language (dvc/parsing/interpolate.py).

use std::borrow::Cow;

use yaml::{Data, Fault, Node};

use crate::context::Context;

/// One `${inner}` in a text, by byte offsets.
struct Match<'a> {
    start: usize,
    end: usize,
    inner: &'a str,
}

/// Every `${...}` that is not escaped by a backslash.
fn matches(text: &str) -> Vec<Match<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("${") {
        let start = from + at;
        from = start + 2;
        let escaped = text[..start].ends_with('\\');
        let Some(close) = text[from..].find('}') else {
            break;
        };
        let inner = &text[from..from + close];
        if escaped || inner.contains('\n') {
            continue;
        }
        from += close + 1;
        found.push(Match {
            start,
            end: from,
            inner,
        });
    }
    found
}

/// Whether a text contains a template.
pub fn is_template(text: &str) -> bool {
    !matches(text).is_empty()
}

/// Refuses templates below a node where DVC does not resolve them.
///
/// # Errors
/// The first template, with its position.
pub fn refuse(node: &Node, what: &str) -> Result<(), Fault> {
    match &node.data {
        Data::Str(text) if is_template(text) => {
            Err(node.fault(format!("{what} cannot contain a template: {text}")))
        }
        Data::List(items) => items.iter().try_for_each(|item| refuse(item, what)),
        Data::Map(entries) => entries
            .iter()
            .try_for_each(|(key, value)| refuse(key, what).and_then(|()| refuse(value, what))),
        _ => Ok(()),
    }
}

/// The names in `a.b[0].c`.
fn path(inner: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut rest = inner;
    loop {
        let word = rest.find(['.', '[', ']']).unwrap_or(rest.len());
        names.push(rest[..word].trim());
        rest = &rest[word..];
        while let Some(index) = rest.trim_start().strip_prefix('[') {
            let close = index.find([']', '[', '.'])?;
            names.push(index[..close].trim());
            rest = index[close..].strip_prefix(']')?;
        }
        match rest.trim_start().strip_prefix('.') {
            Some(more) => rest = more,
            None if rest.trim().is_empty() => break,
            None => return None,
        }
    }
    names.iter().all(|name| !name.is_empty()).then_some(names)
}

/// Where a template is used, which determines what may be inserted.
#[derive(Clone, Copy, PartialEq)]
pub enum Place {
    /// A stage's command: a mapping becomes `--flags`.
    Command,
    /// `foreach` or `matrix`: any value.
    Iterable,
    /// Everything else: no lists or mappings.
    Other,
}

/// Resolves every template below a node.
///
/// # Errors
/// If a template is invalid, refers to an unknown name, or has a value that is not allowed here.
pub fn resolve(node: &Node, context: &Context, place: Place) -> Result<Node, Fault> {
    let data = match &node.data {
        Data::Str(text) => return resolve_text(node, text, context, place),
        Data::List(items) => Data::List(
            items
                .iter()
                .map(|item| resolve(item, context, place))
                .collect::<Result<_, _>>()?,
        ),
        Data::Map(entries) => {
            let mut resolved: Vec<(Node, Node)> = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                let key = resolve(key, context, place)?;
                let value = resolve(value, context, place)?;
                match resolved.iter_mut().find(|(known, _)| *known == key) {
                    Some(known) => known.1 = value,
                    None => resolved.push((key, value)),
                }
            }
            Data::Map(resolved)
        }
        other => other.clone(),
    };
    Ok(Node::at(node.at, data))
}

fn resolve_text(node: &Node, text: &str, context: &Context, place: Place) -> Result<Node, Fault> {
    let found = matches(text);
    let at = node.at;
    if let [only] = &found[..]
        && only.end - only.start == text.len()
    {
        // The value itself, with its type. A mapping as a whole command becomes flags.
        let value = select(node, only.inner, context)?;
        check(node, value, only.inner, place)?;
        let data = match (&value.data, place) {
            (Data::Map(_), Place::Command) => Data::Str(flags(node, value, context)?),
            (data, _) => data.clone(),
        };
        return Ok(Node::at(at, data));
    }
    let mut out = String::new();
    let mut from = 0;
    for part in &found {
        let value = select(node, part.inner, context)?;
        check(node, value, part.inner, place)?;
        out.push_str(&text[from..part.start]);
        match &value.data {
            Data::Map(_) => out.push_str(&flags(node, value, context)?),
            _ => out.push_str(&spelled(value)),
        }
        from = part.end;
    }
    out.push_str(&text[from..]);
    let data = Data::Str(out.replace("\\${", "${"));
    Ok(Node::at(at, data))
}

fn select<'a>(node: &Node, inner: &str, context: &'a Context) -> Result<&'a Node, Fault> {
    let names = path(inner).ok_or_else(|| {
        node.fault(format!(
            "`${{{inner}}}` is not a valid template; expected names joined by dots, with [0] for a list item"
        ))
    })?;
    context.select(&names).ok_or_else(|| {
        node.fault(format!(
            "unknown name in `${{{inner}}}`; expected one of {}",
            context.names().join(", ")
        ))
    })
}

fn check(node: &Node, value: &Node, inner: &str, place: Place) -> Result<(), Fault> {
    let allowed = match place {
        Place::Iterable => true,
        Place::Command => !matches!(value.data, Data::List(_)),
        Place::Other => !value.is_composite(),
    };
    if allowed {
        let named = |fault: Fault| node.fault(format!("`${{{inner}}}`: {}", fault.reason));
        return value.check().map_err(named);
    }
    Err(node.fault(format!(
        "`${{{inner}}}` is {}, which cannot be inserted into a text",
        value.kind()
    )))
}

/// A value within a text, formatted like Python, except that `true` and `false` are in lower case.
pub fn spelled(value: &Node) -> Cow<'_, str> {
    match &value.data {
        Data::Null => "None".into(),
        Data::Bool(value) => if *value { "true" } else { "false" }.into(),
        Data::Int(value) => value.to_string().into(),
        Data::Float(value) => yaml::float(*value).into(),
        Data::Str(text) => text.into(),
        Data::List(_) | Data::Map(_) | Data::Refused(_) => value.to_string().into(),
    }
}

/// A mapping as command-line flags: `--name value`, nested names joined by dots.
fn flags(node: &Node, value: &Node, context: &Context) -> Result<String, Fault> {
    let mut flat = Vec::new();
    flatten(value, "", &mut flat);
    let mut out = String::new();
    for (name, value) in flat {
        match &value.data {
            Data::Bool(true) => out += &format!("--{name} "),
            Data::Bool(false) if context.boolean_optional => out += &format!("--no-{name} "),
            Data::Bool(false) => {}
            Data::Str(text) => out += &format!("--{name} {} ", quoted(text)),
            Data::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    let text = match &item.data {
                        Data::Str(text) => quoted(text),
                        Data::List(_) | Data::Map(_) => {
                            return Err(node.fault(format!(
                                "`{name}` is a nested list and cannot become a flag"
                            )));
                        }
                        Data::Bool(value) => if *value { "True" } else { "False" }.to_owned(),
                        _ => spelled(item).into_owned(),
                    };
                    if i == 0 || context.list_append {
                        out += &format!("--{name} ");
                    }
                    out += &format!("{text} ");
                }
            }
            _ => out += &format!("--{name} {} ", spelled(value)),
        }
    }
    Ok(out.trim_end().to_owned())
}

fn flatten<'a>(value: &'a Node, prefix: &str, out: &mut Vec<(String, &'a Node)>) {
    let entries = value.as_map().unwrap_or_default();
    for (key, value) in entries {
        let name = format!("{prefix}{}", spelled(key));
        match &value.data {
            Data::Map(inner) if !inner.is_empty() => flatten(value, &format!("{name}."), out),
            Data::Map(_) => {}
            _ => out.push((name, value)),
        }
    }
}

/// Python's `shlex.quote`.
fn quoted(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(safe) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}

#[cfg(test)]
mod tests {

    use super::*;

    fn context(text: &str) -> Context {
        Context::of(yaml::parse(text).unwrap())
    }

    fn resolved(template: &str, values: &str, place: Place) -> Result<String, String> {
        resolve(&Node::string(template), &context(values), place)
            .map(|node| node.to_string())
            .map_err(|fault| fault.reason)
    }

    #[test]
    fn a_whole_template_keeps_its_type_and_a_part_becomes_text() {
        let values = "n: 3\nlist: [a, {b: true}]\nx: 1e-5\nnone:\n";
        let of = |template| resolved(template, values, Place::Other);
        assert_eq!(of("${n}").unwrap(), "3");
        assert_eq!(
            of("n=${ n } ${list[0]} ${list.1.b}").unwrap(),
            "\"n=3 a true\""
        );
        assert_eq!(of("${x}-${list[-2]}-${none}").unwrap(), "\"1e-05-a-None\"");
        assert_eq!(of(r"\${n} ${n}").unwrap(), "\"${n} 3\"");
        assert!(of("${list}").unwrap_err().contains("a list"));
        assert!(of("${m}").unwrap_err().contains("unknown name in `${m}`"));
        assert!(of("${n.m}").unwrap_err().contains("unknown name"));
        assert!(
            of("${a..b}")
                .unwrap_err()
                .contains("is not a valid template")
        );
    }

    #[test]
    fn a_mapping_in_a_command_becomes_flags() {
        let values = "d: {a: 1, b: {c: x y, t: true, f: false}, l: [1, z], e: null}\n";
        assert_eq!(
            resolved("run ${d}", values, Place::Command).unwrap(),
            "\"run --a 1 --b.c 'x y' --b.t --l 1 z --e None\""
        );
    }

    #[test]
    fn false_and_lists_become_flags_as_configured() {
        let values = "d: {t: true, f: false, l: [1, two words, true]}\n";
        let flags = |boolean_optional, list_append| {
            let mut context = context(values);
            context.boolean_optional = boolean_optional;
            context.list_append = list_append;
            let node = resolve(&Node::string("${d}"), &context, Place::Command).unwrap();
            node.as_str().unwrap().to_owned()
        };
        assert_eq!(flags(false, false), "--t --l 1 'two words' True");
        assert_eq!(flags(true, false), "--t --no-f --l 1 'two words' True");
        assert_eq!(flags(false, true), "--t --l 1 --l 'two words' --l True");
        let nested = resolved("${d}", "d: {l: [[1]]}\n", Place::Command);
        assert!(nested.unwrap_err().contains("`l` is a nested list"));
    }

    #[test]
    fn texts_are_quoted_for_the_shell() {
        for (text, expected) in [
            ("plain-1.2_%@+=:,/x", "plain-1.2_%@+=:,/x"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", "'it'\"'\"'s'"),
            ("$HOME", "'$HOME'"),
            ("ä", "'ä'"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn paths_are_names_and_positions() {
        assert_eq!(path("a.b[0].c"), Some(vec!["a", "b", "0", "c"]));
        assert_eq!(path(" a . b [ -1 ] "), Some(vec!["a", "b", "-1"]));
        assert_eq!(path("a[0][1]"), Some(vec!["a", "0", "1"]));
        for wrong in [
            "", ".", "a.", ".a", "a[", "a]", "a[]", "a[0", "a[b.c]", "a[0]b",
        ] {
            assert_eq!(path(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_not_closed_or_over_two_lines_is_text() {
        for text in ["${", "a ${b", "${a\nb}", "$ {a}", "\\${a}"] {
            assert!(!is_template(text), "{text:?}");
        }
        assert!(is_template("${a} ${"));
    }
}
