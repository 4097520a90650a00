//! Expands a grammar with topics and polarity into text.
//!
//! The format is described at the head of `reviews.grammar`. `reviews` decides which review to write, `style` how it
//! is misspelled.

use std::collections::BTreeMap;

use crate::tasks::draw::Draw;

/// Lists of at least this length prefer their earlier alternatives, like the words of a language.
const SKEWED_FROM: usize = 6;
/// Lists shorter than this may repeat an alternative in a review.
const REPEATS_BELOW: usize = 3;

/// The opinion expressed by the expansion of a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polarity {
    Plus,
    Minus,
}

impl Polarity {
    fn opposite(self) -> Polarity {
        match self {
            Polarity::Plus => Polarity::Minus,
            Polarity::Minus => Polarity::Plus,
        }
    }
}

/// How a symbol changes the current polarity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    None,
    Same,
    Opposite,
    Fixed(Polarity),
}

impl Sign {
    fn applied(self, polarity: Polarity) -> Polarity {
        match self {
            Sign::None | Sign::Same => polarity,
            Sign::Opposite => polarity.opposite(),
            Sign::Fixed(fixed) => fixed,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Symbol {
    name: usize,
    sign: Sign,
    new_topic: bool,
}

#[derive(Debug)]
enum Piece {
    Text(&'static str),
    Symbol(Symbol),
}

/// Alternatives of one name in one section; a weight of n is n entries in `order`.
#[derive(Debug, Default)]
struct Rule {
    alternatives: Vec<Vec<Piece>>,
    order: Vec<usize>,
}

impl Rule {
    /// Index of the chosen alternative.
    fn choose(&self, draw: &mut Draw) -> usize {
        let index = if self.is_word_list() {
            draw.below(self.order.len())
                .min(draw.below(self.order.len()))
        } else {
            draw.below(self.order.len())
        };
        self.order[index]
    }

    fn is_word_list(&self) -> bool {
        self.order.len() >= SKEWED_FROM && self.order.len() == self.alternatives.len()
    }
}

/// A domain's name and the range of its topics in the table of rules.
#[derive(Debug)]
struct Domain {
    name: &'static str,
    topics: Vec<&'static str>,
    first: usize,
}

/// A parsed grammar: for every topic and name the rules of its three polarities.
#[derive(Debug)]
pub struct Grammar {
    domains: Vec<Domain>,
    rules: Vec<Rule>,
    /// Rule of (topic, name, slot), `topic * names + name`; slots: none, plus, minus.
    table: Vec<[Option<usize>; 3]>,
    names: usize,
}

/// A review being written: its random draws, its text, and the words it has used.
struct Writing<'a> {
    draw: &'a mut Draw,
    out: &'a mut String,
    /// Rule and alternative of every choice so far.
    used: Vec<(usize, usize)>,
}

impl Writing<'_> {
    /// Chooses like the rule, but draws again if this review already has the alternative.
    fn choose(&mut self, id: usize, rule: &Rule) -> usize {
        let mut choice = rule.choose(self.draw);
        if rule.order.len() >= REPEATS_BELOW {
            for _ in 0..3 {
                if self.used.contains(&(id, choice)) {
                    choice = rule.choose(self.draw);
                }
            }
            self.used.push((id, choice));
        }
        choice
    }
}

/// The state of an expansion: its domain, its topic (a row of the table) and its polarity.
#[derive(Clone, Copy, Debug)]
struct State {
    domain: usize,
    topic: usize,
    polarity: Polarity,
}

impl Grammar {
    /// Parses a grammar; the error names the line, or the symbol without a rule.
    pub fn parse(text: &'static str) -> Result<Grammar, String> {
        Parser::default().parse(text)
    }

    pub fn domains(&self) -> usize {
        self.domains.len()
    }

    pub fn domain_name(&self, domain: usize) -> &'static str {
        self.domains[domain].name
    }

    /// Appends a review of `domain` with this polarity to `out`.
    pub fn review(&self, domain: usize, polarity: Polarity, draw: &mut Draw, out: &mut String) {
        let topic = self.new_topic(domain, draw);
        // `review` is interned first.
        let symbol = Symbol {
            name: 0,
            sign: Sign::Same,
            new_topic: false,
        };
        let mut writing = Writing {
            draw,
            out,
            used: Vec::new(),
        };
        self.expand(
            symbol,
            State {
                domain,
                topic,
                polarity,
            },
            &mut writing,
        );
    }

    fn new_topic(&self, domain: usize, draw: &mut Draw) -> usize {
        let domain = &self.domains[domain];
        domain.first + draw.below(domain.topics.len())
    }

    /// Expands a symbol and returns the topic at the end of its text.
    fn expand(&self, symbol: Symbol, mut state: State, writing: &mut Writing) -> usize {
        if symbol.new_topic {
            state.topic = self.new_topic(state.domain, writing.draw);
        }
        let slot = match symbol.sign {
            Sign::None => 0,
            sign => {
                state.polarity = sign.applied(state.polarity);
                slot(state.polarity)
            }
        };
        let id = self.table[state.topic * self.names + symbol.name][slot]
            .expect("parse has checked that every symbol has a rule");
        let choice = writing.choose(id, &self.rules[id]);
        for piece in &self.rules[id].alternatives[choice] {
            match piece {
                Piece::Text(text) => writing.out.push_str(text),
                Piece::Symbol(next) => state.topic = self.expand(*next, state, writing),
            }
        }
        state.topic
    }
}

fn slot(polarity: Polarity) -> usize {
    match polarity {
        Polarity::Plus => 1,
        Polarity::Minus => 2,
    }
}

/// Section (domain and topic, empty for "all") of a rule.
type Section = (&'static str, &'static str);

#[derive(Default)]
struct Parser {
    names: BTreeMap<&'static str, usize>,
    /// Rules by section, name and slot.
    found: BTreeMap<(Section, usize, usize), usize>,
    rules: Vec<Rule>,
    domains: Vec<Domain>,
    topics: usize,
}

impl Parser {
    fn parse(mut self, text: &'static str) -> Result<Grammar, String> {
        self.intern("review");
        let mut section = ("", "");
        let mut open: Vec<usize> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("");
            self.line(line, &mut section, &mut open)
                .map_err(|what| format!("line {}: {what}", index + 1))?;
        }
        self.resolve()
    }

    fn line(
        &mut self,
        line: &'static str,
        section: &mut Section,
        open: &mut Vec<usize>,
    ) -> Result<(), String> {
        if line.trim().is_empty() {
            return Ok(());
        }
        if let Some(head) = line.strip_prefix('[') {
            *section = self.section(head.trim_end().trim_end_matches(']'));
            return Ok(());
        }
        if line.starts_with(' ') {
            let rest = line
                .trim_start()
                .strip_prefix('|')
                .ok_or("a continuation line must start with |")?;
            return self.alternatives(rest, open);
        }
        let (head, body) = line.split_once(':').ok_or("no colon after the name")?;
        *open = self.open(*section, head);
        self.alternatives(body, open)
    }

    fn section(&mut self, head: &'static str) -> Section {
        let (domain, topic) = head.split_once(' ').unwrap_or((head, ""));
        if domain == "*" {
            return ("", "");
        }
        if self.domains.last().is_none_or(|last| last.name != domain) {
            self.domains.push(Domain {
                name: domain,
                topics: Vec::new(),
                first: self.topics,
            });
        }
        if !topic.is_empty() {
            self.topics += 1;
            self.domains
                .last_mut()
                .expect("pushed above")
                .topics
                .push(topic);
        }
        (domain, topic)
    }

    /// Rules that a head opens: two for `name=`, otherwise one.
    fn open(&mut self, section: Section, head: &'static str) -> Vec<usize> {
        let (name, sign) = split_sign(head);
        let slots = match sign {
            Sign::None => vec![0],
            Sign::Fixed(polarity) => vec![slot(polarity)],
            Sign::Same | Sign::Opposite => vec![1, 2],
        };
        let name = self.intern(name);
        let mut open = Vec::new();
        for slot in slots {
            self.found.insert((section, name, slot), self.rules.len());
            open.push(self.rules.len());
            self.rules.push(Rule::default());
        }
        open
    }

    fn intern(&mut self, name: &'static str) -> usize {
        let next = self.names.len();
        *self.names.entry(name).or_insert(next)
    }

    fn alternatives(&mut self, body: &'static str, open: &[usize]) -> Result<(), String> {
        for part in body.split('|') {
            let (text, weight) = match part.rsplit_once(" @") {
                Some((text, weight)) => (
                    text,
                    weight.trim().parse().map_err(|_| "no number after @")?,
                ),
                None => (part, 1usize),
            };
            for &rule in open {
                let pieces = self.pieces(text.trim())?;
                let rule = &mut self.rules[rule];
                rule.order
                    .extend(std::iter::repeat_n(rule.alternatives.len(), weight));
                rule.alternatives.push(pieces);
            }
        }
        Ok(())
    }

    fn pieces(&mut self, text: &'static str) -> Result<Vec<Piece>, String> {
        let mut pieces = Vec::new();
        let mut rest = match text.strip_prefix('~') {
            Some(tail) => tail,
            None => text,
        };
        while let Some(start) = rest.find('{') {
            let end = rest[start..].find('}').ok_or("a { that is not closed")? + start;
            if start > 0 {
                pieces.push(Piece::Text(&rest[..start]));
            }
            pieces.push(Piece::Symbol(self.symbol(&rest[start + 1..end])));
            rest = &rest[end + 1..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest));
        }
        Ok(pieces)
    }

    fn symbol(&mut self, inner: &'static str) -> Symbol {
        let (new_topic, inner) = match inner.strip_prefix('^') {
            Some(inner) => (true, inner),
            None => (false, inner),
        };
        let (name, sign) = split_sign(inner);
        Symbol {
            name: self.intern(name),
            sign,
            new_topic,
        }
    }

    /// Looks up every name in every topic: in the topic, then in the domain, then in the common section.
    fn resolve(self) -> Result<Grammar, String> {
        let names = self.names.len();
        let mut table = Vec::with_capacity(self.topics * names);
        for domain in &self.domains {
            for topic in &domain.topics {
                let sections = [(domain.name, *topic), (domain.name, ""), ("", "")];
                for name in 0..names {
                    table.push([0, 1, 2].map(|slot| {
                        sections
                            .iter()
                            .find_map(|&s| self.found.get(&(s, name, slot)).copied())
                    }));
                }
            }
        }
        let grammar = Grammar {
            domains: self.domains,
            rules: self.rules,
            table,
            names,
        };
        let spelled: Vec<_> = {
            let mut by_id: Vec<_> = self.names.into_iter().collect();
            by_id.sort_by_key(|&(_, id)| id);
            by_id.into_iter().map(|(name, _)| name).collect()
        };
        grammar.check(&spelled)?;
        Ok(grammar)
    }
}

impl Grammar {
    /// Every symbol that some review can reach has a rule in every topic it can be reached in.
    fn check(&self, spelled: &[&str]) -> Result<(), String> {
        for domain in &self.domains {
            if domain.topics.is_empty() {
                return Err(format!("domain {} has no topic", domain.name));
            }
            let last = domain.first + domain.topics.len();
            let mut seen = BTreeMap::new();
            let mut open = vec![(0, slot(Polarity::Plus)), (0, slot(Polarity::Minus))];
            while let Some((name, slot)) = open.pop() {
                if seen.insert((name, slot), ()).is_some() {
                    continue;
                }
                for topic in domain.first..last {
                    let rule = self.table[topic * self.names + name][slot].ok_or_else(|| {
                        format!("no rule for {} in {}", spelled[name], domain.name)
                    })?;
                    let pieces = self.rules[rule].alternatives.iter().flatten();
                    open.extend(pieces.flat_map(|piece| reached(piece, slot)));
                }
            }
        }
        Ok(())
    }
}

/// Names and slots that a piece can lead to from a rule of `slot`.
fn reached(piece: &Piece, from: usize) -> Vec<(usize, usize)> {
    let Piece::Symbol(symbol) = piece else {
        return Vec::new();
    };
    match symbol.sign {
        Sign::None => vec![(symbol.name, 0)],
        Sign::Fixed(polarity) => vec![(symbol.name, slot(polarity))],
        Sign::Same if from > 0 => vec![(symbol.name, from)],
        Sign::Opposite if from > 0 => vec![(symbol.name, 3 - from)],
        Sign::Same | Sign::Opposite => vec![(symbol.name, 1), (symbol.name, 2)],
    }
}

fn split_sign(text: &'static str) -> (&'static str, Sign) {
    let sign = match text.as_bytes().last() {
        Some(b'=') => Sign::Same,
        Some(b'!') => Sign::Opposite,
        Some(b'+') => Sign::Fixed(Polarity::Plus),
        Some(b'-') => Sign::Fixed(Polarity::Minus),
        _ => return (text, Sign::None),
    };
    (&text[..text.len() - 1], sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "[*]\nreview=: {^s=}{fact}\ns=: {a=} | not {a!}\na+: good\na-: bad\n\
        fact: ! @2\n    | ?\n[shop]\n[shop front]\na+: bright\n";

    #[test]
    fn topic_goes_before_common_and_opposite_turns_round() {
        let grammar = Grammar::parse(SMALL).unwrap();
        for row in 0..50 {
            let mut text = String::new();
            grammar.review(0, Polarity::Plus, &mut Draw::new([0; 32], row), &mut text);
            let known = ["bright!", "bright?", "not bad!", "not bad?"];
            assert!(known.contains(&text.as_str()), "{text}");
        }
    }

    #[test]
    fn faults_are_named() {
        let missing = Grammar::parse("[*]\nreview=: {x}\n[shop]\n[shop a]\nsg: b\n").unwrap_err();
        assert_eq!(missing, "no rule for x in shop");
        assert_eq!(
            Grammar::parse("[*]\nreview\n").unwrap_err(),
            "line 2: no colon after the name"
        );
    }
}
