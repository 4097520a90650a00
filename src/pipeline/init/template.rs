//! The files of a project for one task, made of those with every task: `params.yaml` with that task's block
//! and what was found, `dvc.yaml` with its stages.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use crate::classes::scalar;

/// `params.yaml` with the block of one task, and the values of these keys.
pub(super) fn params(
    template: &str,
    task: &str,
    sets: &[(String, String)],
    scored: Option<&str>,
) -> Result<String> {
    let mut text = String::new();
    for block in blocks(template) {
        let name = block.lines().find_map(|line| top_key(line));
        let is_other =
            name.is_some_and(|name| !["easylife", "seed", "validate", task].contains(&name));
        if !is_other {
            text.push_str(block);
        }
    }
    for (key, value) in sets {
        text = with_value(&text, key, value)
            .with_context(|| format!("the template of params.yaml has no {key}"))?;
    }
    if sets.iter().any(|(key, _)| key.ends_with(".data.layout")) {
        // Each column is one of values.
        let lines = text.split_inclusive('\n');
        text = lines
            .filter(|line| !line.starts_with("    value:"))
            .collect();
    }
    Ok(with_scored(&without_gate(&without_sample(&text)), scored))
}

/// With this file to be scored instead of the sample's, or none.
fn with_scored(text: &str, input: Option<&str>) -> String {
    let replaced = |line: &str| {
        let value = input.map_or("null".to_owned(), scalar);
        match line
            .strip_prefix("    input: ")
            .map(|rest| rest.split_once('#'))
        {
            None => line.to_owned(),
            Some(None) => format!("    input: {value}\n"),
            Some(Some((_, comment))) => format!("    input: {value:<17}#{comment}"),
        }
    };
    text.split_inclusive('\n').map(replaced).collect()
}

/// Without bounds, which are for the sample: what a model must reach on other data is for its owner to say.
fn without_gate(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        if !line.starts_with("  gate:") {
            out.push_str(line);
            continue;
        }
        let mut bounds = Vec::new();
        while let Some(bound) = lines.next_if(|line| line.starts_with("    ")) {
            bounds.push(bound.trim());
        }
        let _ = writeln!(
            out,
            "  gate: {{}}                # bounds that the metrics must keep, as {{{}}}",
            bounds.join(", ")
        );
    }
    out
}

/// A block of a task starts at a key without indent; comments and blank lines before it belong to it.
fn blocks(text: &str) -> Vec<&str> {
    let mut starts = vec![0];
    let (mut at, mut free) = (0, None);
    for line in text.split_inclusive('\n') {
        if top_key(line).is_some() {
            starts.push(free.unwrap_or(at));
        }
        free = match line.starts_with('#') || line.trim().is_empty() {
            true => free.or(Some(at)),
            false => None,
        };
        at += line.len();
    }
    starts.push(text.len());
    starts.dedup();
    starts
        .windows(2)
        .map(|pair| &text[pair[0]..pair[1]])
        .collect()
}

fn top_key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once(':')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (!key.is_empty() && key.chars().all(plain)).then_some(key)
}

/// The text with another value at `task.data.key`, or the key added to `task.data`.
fn with_value(text: &str, key: &str, value: &str) -> Option<String> {
    let (_, key) = key.rsplit_once('.')?;
    // Keys that the template has in a comment at most are added.
    let added = [
        "delimiter",
        "decimal",
        "layout",
        "header",
        "encoding",
        "classes",
        "date_format",
    ]
    .contains(&key)
        && !text.contains(&format!("\n    {key}: "));
    let (mut out, mut inside, mut done) = (String::new(), false, false);
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        if indent == 2 && !line.trim().is_empty() {
            if inside && !done {
                return None;
            }
            inside = line.trim_start().starts_with("data:");
        }
        let is_source = indent == 4 && line.trim_start().starts_with("source:");
        let is_it = inside && indent == 4 && line.trim_start().starts_with(&format!("{key}:"));
        match is_it && !done {
            true => {
                let _ = writeln!(out, "    {key}: {value}");
                done = true;
            }
            // What the comment offers is said now.
            false if added && line.starts_with(&format!("    # {key}:")) => {}
            false => out.push_str(line),
        }
        if inside && !done && is_source && added {
            let _ = writeln!(out, "    {key}: {value}");
            done = true;
        }
    }
    done.then_some(out)
}

/// Without the block `sample`: there is no sample in the project.
fn without_sample(text: &str) -> String {
    let mut skipped = false;
    let keep = |line: &&str| {
        let indent = line.len() - line.trim_start().len();
        if indent <= 2 && !line.trim().is_empty() {
            skipped = line.starts_with("  sample:");
        }
        !skipped
    };
    text.split_inclusive('\n').filter(keep).collect()
}

/// What the pipeline of one task scores.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Scored {
    /// A file.
    File,
    /// What the model knows: its series, its users.
    Known,
    /// Nothing yet.
    Nothing,
}

/// A line of the stage that scores, as it is where a pipeline scores that.
fn scoring_line(line: &str, task: &str, scored: Scored) -> String {
    match scored {
        Scored::File => line.to_owned(),
        Scored::Known if line.trim() == "- ${item.input}" => String::new(),
        Scored::Known => line.replace(&format!("input: \"${{{task}.predict.input}}\", "), ""),
        Scored::Nothing => match line.strip_prefix("  ") {
            Some(rest) => format!("  # {rest}"),
            None => line.to_owned(),
        },
    }
}

/// `dvc.yaml` with the stages of one task, without a sample.
pub(super) fn dvc(template: &str, task: &str, tasks: &[&str], scored: Scored) -> String {
    let mut out = String::from(
        "# The pipeline: `easylife repro` or `dvc repro` runs what has changed.\n#\n# Every stage lists only \
         the parameters it reads (params.yaml) and the key `easylife`, the version\n# that the parameters \
         were written for: changing the gate runs the gate again, not the training.\n\n",
    );
    // Where a part that is left out began: it ends at the next line that is not indented further.
    let (mut left_out, mut section, mut stage) = (None, "", "");
    for line in template
        .split_inclusive('\n')
        .skip_while(|line| line.starts_with('#') || line.trim().is_empty())
    {
        let (trimmed, indent) = (line.trim(), line.len() - line.trim_start().len());
        if left_out.is_some_and(|start| trimmed.is_empty() || indent > start) {
            continue;
        }
        left_out = None;
        let key = trimmed
            .trim_start_matches("- ")
            .split(':')
            .next()
            .unwrap_or_default();
        if indent == 0 && trimmed.ends_with(':') {
            (section, stage) = (key, "");
        }
        let follows_comment = out.lines().last().is_some_and(|line| line.starts_with('#'));
        if indent == 0 && section != "vars" && !out.ends_with("\n\n") && !follows_comment {
            out.push('\n');
        }
        let is_other_task = tasks.contains(&key.split(' ').next().unwrap_or_default())
            && key.split(' ').next() != Some(task);
        let left = match section {
            "stages" => is_other_task || (indent == 2 && key == "sample"),
            "vars" | "plots" => is_other_task,
            _ => false,
        };
        if section == "stages" && indent == 2 {
            stage = key;
            if stage == "predict" && scored == Scored::Nothing {
                let _ = writeln!(
                    out,
                    "  # To score a file with every run, set {task}.predict.input in params.yaml and take the \
                     # away:"
                );
            }
        }
        match (left, stage) {
            (true, _) => left_out = Some(indent),
            (false, "predict") => out.push_str(&scoring_line(line, task, scored)),
            (false, _) => out.push_str(line),
        }
    }
    out.replace("beside: data/raw/recsys/tables", "beside: schema")
}
