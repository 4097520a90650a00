//! A project for one task on data of one's own: which columns are meant, by their names and by what the
//! first rows hold, and the files of the project with nothing but that task in them.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

use super::{dates, series};
use crate::columns::{Needed, Role};
use crate::exit;
use crate::task::Task;
use tables::clock::{self, Candidates};
use tables::{Decimal, Kind, ReadErrorKind, Reading, Row, Source, shown, spelling};

/// Rows that are looked at.
const HEAD: usize = 1000;

/// In the order in which numbers are counted.
const DECIMALS: [Decimal; 2] = [Decimal::Point, Decimal::Comma];

/// What somebody says of their data.
#[derive(Clone, Debug, Default)]
pub struct Own {
    /// The file or folder, from the folder in which the command was given.
    pub source: PathBuf,
    /// What the pipeline scores, likewise.
    pub score: Option<PathBuf>,
    /// Whether there is nothing to predict without something to score.
    pub needs_input: bool,
    /// Columns that were named.
    pub columns: Vec<(Role, String)>,
    /// How times are written, where that was said.
    pub date_format: Option<String>,
}

/// A key of the parameters and how its value is known.
pub(super) struct Chosen {
    pub key: String,
    /// As it is shown.
    pub value: String,
    /// As it is in params.yaml.
    pub yaml: String,
    /// Named by the caller, rather than found.
    pub is_given: bool,
}

impl Chosen {
    /// A name.
    pub(super) fn name(key: &str, name: String, is_given: bool) -> Self {
        let yaml = spelled(&name);
        Self {
            key: key.to_owned(),
            value: name,
            yaml,
            is_given,
        }
    }

    /// Any value, as it is in params.yaml.
    pub(super) fn yaml(key: &str, yaml: String, is_given: bool) -> Self {
        Self {
            key: key.to_owned(),
            value: yaml.clone(),
            yaml,
            is_given,
        }
    }

    /// A list of names; one of them is a name.
    pub(super) fn names(key: &str, names: &[String], is_given: bool) -> Self {
        if let [name] = names {
            return Self::name(key, name.clone(), is_given);
        }
        let list: Vec<String> = names.iter().map(|name| spelled(name)).collect();
        Self {
            value: names.join(", "),
            ..Self::yaml(key, format!("[{}]", list.join(", ")), is_given)
        }
    }
}

/// What was found in the data.
pub(super) struct Found {
    pub columns: Vec<Chosen>,
    /// How the table is read.
    pub reading: Reading,
}

/// Asks a person which of some columns is meant; `None` where there is nobody to ask.
pub type Ask<'a> = &'a dyn Fn(&str, &[&str]) -> Option<String>;

/// Looks at the head of the data for the columns that `T` needs.
///
/// # Errors
/// Where the data cannot be read, a column that was named is not there, or one is not to be found.
pub(super) fn find<T: Task>(own: &Own, ask: Ask<'_>) -> Result<Found> {
    let params =
        T::check(&T::Block::default()).map_err(|invalid| anyhow::anyhow!("{invalid:?}"))?;
    let (needed, optional) = (T::needed(&params), T::optional(&params));
    refuse_roles_of_others::<T>(own, needed.iter().chain(&optional))?;
    if own.source.is_dir() && !T::raw_data(&params).of_tables && !has_tables(&own.source)? {
        return Ok(Found {
            columns: Vec::new(),
            reading: Reading::default(),
        });
    }
    let (head, reading) = Head::read(&own.source)?;
    let names: Vec<&str> = head.names.iter().map(String::as_str).collect();
    let mut columns: Vec<Chosen> = Vec::new();
    let given = |role| own.columns.iter().find(|(given, _)| *given == role);
    let mut taken: Vec<&str> = Vec::new();
    let named = own.columns.iter().flat_map(|(role, name)| {
        let parts: Vec<&str> = match role {
            Role::Series if !names.contains(&name.as_str()) => name.split(',').collect(),
            _ => vec![name],
        };
        parts.into_iter().map(move |name| (role, name.trim()))
    });
    let named: Vec<(&Role, &str)> = named.collect();
    for (role, name) in &named {
        let there = names.iter().find(|there| *there == name).ok_or_else(|| {
            let near = crate::params::near_miss(name, &names);
            exit::usage(format!(
                "{}: there is no column `{}` for {}; {near}there are: {}",
                own.source.display(),
                shown(name),
                role.flag(),
                listed(&names)
            ))
        })?;
        taken.push(there);
    }
    let is_series = |column: &&Needed| column.role() == Role::Series;
    let ids = needed.iter().find(is_series);
    let mut rows = None;
    for column in needed.iter().filter(|column| !is_series(column)) {
        let role = column.role();
        if role == Role::Value
            && let (Some(ids), Some(time)) = (ids, columns.last())
        {
            let read = series::Rows::read(&head, &own.source, reading, &time.value)?;
            let open = given(Role::Value).is_none() && given(Role::Series).is_none();
            if open && read.are_wide(&head) {
                columns.extend(dates::format(own, &head, &columns, ask)?);
                columns.extend(series::wide(ids.key()));
                return Ok(Found { columns, reading });
            }
            rows = Some(read);
        }
        let name = match given(role) {
            Some((_, name)) => name.clone(),
            None => {
                // One of the very name that the task has by default is meant, whatever its cells.
                let usual = |name: &&&str| **name == column.name() && !taken.contains(*name);
                let found = names.iter().find(usual).copied();
                let found = found
                    .or_else(|| head.guess(role, &taken))
                    .map(str::to_owned);
                let asked = || ask(&format!("Which column is {}?", role.described()), &names);
                found.or_else(asked).ok_or_else(|| {
                    exit::usage(format!(
                        "{}: which column is {} is not to be told; name it with {} NAME; there are: {}",
                        own.source.display(),
                        role.described(),
                        role.flag(),
                        listed(&names)
                    ))
                })?
            }
        };
        taken.extend(names.iter().find(|there| **there == name));
        columns.push(Chosen::name(column.key(), name, given(role).is_some()));
    }
    if let (Some(ids), Some(rows), Some(value)) = (ids, rows, columns.last()) {
        let given: Vec<String> = { named.iter() }
            .filter(|(role, _)| **role == Role::Series)
            .map(|(_, name)| (*name).to_owned())
            .collect();
        let ids = match given[..] {
            [] => rows.ids(&head, &value.value, ids.key()),
            _ => Chosen::names(ids.key(), &given, true),
        };
        columns.insert(0, ids);
    }
    for column in &optional {
        let role = column.role();
        let name = match given(role) {
            Some((_, name)) => Some(name.clone()),
            None => head.guess(role, &taken).map(str::to_owned),
        };
        if let Some(name) = name {
            taken.extend(names.iter().find(|there| **there == name));
            columns.push(Chosen::name(column.key(), name, given(role).is_some()));
        }
    }
    columns.extend(dates::format(own, &head, &columns, ask)?);
    Ok(Found { columns, reading })
}

fn refuse_roles_of_others<'a, T: Task>(
    own: &Own,
    columns: impl Iterator<Item = &'a Needed> + Clone,
) -> Result<()> {
    let other = |(role, _): &&(Role, String)| !columns.clone().any(|column| column.role() == *role);
    match own.columns.iter().find(other) {
        None => Ok(()),
        Some((role, _)) => {
            let flags: Vec<&str> = columns.clone().map(|column| column.role().flag()).collect();
            Err(exit::usage(format!(
                "{} is no column of {}; it has {}",
                role.flag(),
                T::NAME,
                flags.join(", ")
            )))
        }
    }
}

fn has_tables(folder: &Path) -> Result<bool> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_file() && tables::Format::of_path(&path).is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 20;
    let mut text: Vec<String> = names.iter().take(SHOWN).map(|name| shown(name)).collect();
    if names.len() > SHOWN {
        text.push(format!("and {} more", names.len() - SHOWN));
    }
    text.join(", ")
}

/// Opens a table with the delimiter that it has, and without a header line where the first one is a row.
fn open(path: &Path) -> Result<(Box<dyn Source>, Reading)> {
    let mut reading = Reading::default();
    loop {
        match tables::open_with(path, reading) {
            Ok(source) if reading.header && source.first_line_is_data() => reading.header = false,
            Ok(source) => return Ok((source, reading)),
            Err(error) => match *error.kind {
                ReadErrorKind::OtherDelimiter { found, .. } if reading.delimiter.is_none() => {
                    reading.delimiter = Some(char::from(found).to_string().parse()?);
                }
                ReadErrorKind::FirstLineIsData(_) if reading.header => reading.header = false,
                _ => return Err(error.into()),
            },
        }
    }
}

/// Keys that say how a table is read, where that is not the default.
pub(super) fn settings(task: &str, reading: Reading) -> Vec<Chosen> {
    let name = |key: &str, value: Option<String>| {
        value.map(|value| Chosen::name(&format!("{task}.data.{key}"), value, false))
    };
    let header = (!reading.header)
        .then(|| Chosen::yaml(&format!("{task}.data.header"), "false".to_owned(), false));
    [
        name(
            "delimiter",
            reading.delimiter.map(|value| value.to_string()),
        ),
        header,
        name("encoding", reading.encoding.map(|value| value.to_string())),
        name("decimal", reading.decimal.map(|value| value.to_string())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The first rows of a table.
pub(super) struct Head {
    pub(super) names: Vec<String>,
    facts: Vec<Facts>,
    rows: usize,
}

/// What the first cells of a column hold.
#[derive(Clone, Default)]
struct Facts {
    filled: usize,
    /// Numbers as programs write them, with a decimal point and with a decimal comma.
    numbers: [usize; 3],
    /// Numbers without a fraction.
    whole: usize,
    times: usize,
    /// Times that are read in a format only, and the formats that read them all.
    unread: usize,
    formats: Candidates,
    /// With two words or more.
    sentences: usize,
    photos: usize,
    distinct: std::collections::BTreeSet<String>,
}

impl Head {
    /// Of a file, and what must be said so that it is read as it is.
    fn read(path: &Path) -> Result<(Head, Reading)> {
        let (mut source, mut reading) = open(path)?;
        let names: Vec<String> = source
            .columns()
            .iter()
            .map(|column| column.name.clone())
            .collect();
        let mut head = Head {
            facts: vec![Facts::default(); names.len()],
            names,
            rows: 0,
        };
        let mut row = Row::new();
        while head.rows < HEAD && source.read(&mut row)? {
            head.rows += 1;
            for (facts, (kind, text)) in head.facts.iter_mut().zip(row.cells()) {
                facts.add(kind, text);
            }
        }
        if head.rows == 0 {
            return Err(exit::data(format!("{}: there are no rows", path.display())));
        }
        reading.encoding = source.recognised();
        reading.decimal = head.decimal();
        Ok((head, reading))
    }

    /// What marks the decimals of its numbers, where some are read only so, and none only otherwise.
    fn decimal(&self) -> Option<Decimal> {
        let all = |facts: &Facts, kind: usize| facts.is_nearly_all(facts.numbers[kind]);
        let needs = |kind: usize| {
            let mut facts = self.facts.iter();
            facts.any(|facts| all(facts, kind) && !all(facts, 0) && !all(facts, 3 - kind))
        };
        match [needs(1), needs(2)] {
            [true, false] => Some(DECIMALS[0]),
            [false, true] => Some(DECIMALS[1]),
            _ => None,
        }
    }

    /// Whether a column may name series, alone or with others: it is filled, and its values repeat.
    pub(super) fn may_name_series(&self, column: usize) -> bool {
        let facts = &self.facts[column];
        let whole = !facts.is_number() || facts.is_nearly_all(facts.whole);
        facts.fits(Role::Series, self.rows) && whole
    }

    /// The formats that read the times of a column; `None` where they are read without one.
    pub(super) fn dates(&self, column: &str) -> Option<&Candidates> {
        let facts = self.facts_of(column)?;
        facts.is_nearly_all(facts.unread).then_some(&facts.formats)
    }

    /// The cells of a column, each once.
    pub(super) fn texts(&self, column: &str) -> impl Iterator<Item = &str> {
        let facts = self.facts_of(column).into_iter();
        facts.flat_map(|facts| facts.distinct.iter().map(String::as_str))
    }

    fn facts_of(&self, column: &str) -> Option<&Facts> {
        let index = self.names.iter().position(|name| name == column)?;
        self.facts.get(index)
    }

    /// Whether a column holds numbers.
    pub(super) fn is_number(&self, column: usize) -> bool {
        self.facts[column].is_number()
    }

    /// The column of a role: by name among those whose cells could be it, or the only one that could.
    fn guess(&self, role: Role, taken: &[&str]) -> Option<&str> {
        let fitting: Vec<&str> = self
            .names
            .iter()
            .zip(&self.facts)
            .filter(|(name, facts)| !taken.contains(&name.as_str()) && facts.fits(role, self.rows))
            .map(|(name, _)| name.as_str())
            .collect();
        role.guess(&fitting, taken).or(match (role, &fitting[..]) {
            // One that need not be there is not taken for what it may not be.
            (Role::Rating, _) => None,
            (_, [only]) => Some(only),
            _ => None,
        })
    }
}

impl Facts {
    fn add(&mut self, kind: Kind, text: &str) {
        if spelling::is_absent(kind, text) {
            return;
        }
        let text = text.trim();
        self.filled += 1;
        self.numbers[0] += usize::from(text.parse::<f64>().is_ok());
        for (count, decimal) in self.numbers[1..].iter_mut().zip(DECIMALS) {
            let plain = kind != Kind::Text && text.parse::<f64>().is_ok();
            *count += usize::from(plain || decimal.read(text).is_some());
        }
        self.whole += usize::from(text.parse::<i64>().is_ok());
        if clock::parse(text).is_ok() {
            self.times += 1;
        } else if clock::looks_like_time(text) {
            self.unread += 1;
            self.formats.add(text);
        }
        self.sentences += usize::from(text.split_whitespace().nth(1).is_some());
        let name = text.to_ascii_lowercase();
        let ends = [
            ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif",
        ];
        self.photos += usize::from(ends.iter().any(|end| name.ends_with(end)));
        self.distinct.insert(text.to_owned());
    }

    fn is_nearly_all(&self, count: usize) -> bool {
        self.filled > 0 && 20 * count >= 19 * self.filled
    }

    fn is_number(&self) -> bool {
        self.numbers.iter().any(|&count| self.is_nearly_all(count))
    }

    /// Whether a column may have a role, by its first `rows` cells.
    fn fits(&self, role: Role, rows: usize) -> bool {
        let nearly_all = |count: usize| self.is_nearly_all(count);
        let repeats = self.distinct.len() < rows.max(2) / 2 + 1;
        match role {
            Role::Text => 2 * self.sentences > self.filled,
            Role::Label => self.distinct.len() > 1 && repeats && 2 * self.sentences <= self.filled,
            Role::Path => nearly_all(self.photos),
            Role::User | Role::Item => self.distinct.len() > 1 && 2 * self.sentences <= self.filled,
            Role::Rating | Role::Value => self.is_number(),
            Role::Time => nearly_all(self.times + self.unread),
            Role::Series => repeats && self.filled == rows,
        }
    }
}

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
        let value = input.map_or("null".to_owned(), spelled);
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

/// A YAML scalar: as it is where that is a plain text, otherwise in quotes.
fn spelled(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "._/-".contains(c);
    let is_word = value.chars().all(plain)
        && (value.starts_with(|c: char| c.is_alphabetic() || c == '/') || value.starts_with("../"));
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    match is_word && (!reserved.contains(&value.to_ascii_lowercase().as_str())) {
        true => value.to_owned(),
        false => serde_json::Value::from(value).to_string(),
    }
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

impl Own {
    pub(super) fn scored(&self) -> Scored {
        match (&self.score, self.needs_input) {
            (Some(_), _) => Scored::File,
            (None, false) => Scored::Known,
            (None, true) => Scored::Nothing,
        }
    }
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

/// The path of a source as it is from the project's folder.
pub(super) fn from_project(folder: &Path, source: &Path) -> Result<String> {
    let text = |path: &Path| {
        path.to_str().map(str::to_owned).ok_or_else(|| {
            exit::usage(format!(
                "{}: the name is not UTF-8, which params.yaml must be",
                path.display()
            ))
        })
    };
    let plain = |path: &Path| {
        path.components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
    };
    if source.is_absolute() || folder == Path::new(".") {
        return text(source);
    }
    match plain(folder) {
        true => {
            let up = folder
                .components()
                .filter(|part| matches!(part, Component::Normal(_)));
            let up: PathBuf = up.map(|_| "..").collect();
            text(&up.join(source))
        }
        false => text(&std::path::absolute(source)?),
    }
}
