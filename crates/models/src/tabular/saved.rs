//! The model as named tensors and string tables, and back with all properties checked that scoring
//! relies on.
//!
//! | entry | what |
//! |---|---|
//! | `columns`, `columns.kinds` | names and kinds of the columns |
//! | `words.N` | the words of category column N |
//! | `hours` | for each column 1 if it is a time with an hour |
//! | `statistics`, `statistics.N.M.…` | the number of statistics of each column, and these |
//! | `text.N.…` | the text classifier of text column N, if it has one |
//! | `target`, `classes`, `quantiles` | what is predicted |
//! | `trees.N.…`, `linear.…`, `share` | the models and the weight of the trees |
//! | `calibration.…`, `conformal.…`, `shifts` | from margins to probabilities, intervals, quantiles |

use super::calibration::Calibration;
use super::conformal::Conformal;
use super::encode::{Categories, Encoder, Encoding, How, UsedBy};
use super::linear::Linear;
use super::model::{Members, Model};
use super::statistics::TargetStatistics;
use super::table::ColumnKind;
use super::target::Target;
use super::text::Terms;
use super::time::Parts;
use crate::nlp;
use crate::state::{State, StateError, Stateful};
use crate::trees::{Ensemble, Explainer};

impl Stateful for Model {
    fn to_state(&self) -> State {
        let mut state = State::default();
        self.encoder.add_to(&mut state);
        self.target.add_to(&mut state);
        let counts = [self.trees().len() as u8, u8::from(self.linear().is_some())];
        state.insert_u8("members", &[2], counts.to_vec());
        state.insert_f64("share", &[1], vec![self.share()]);
        for (number, trees) in self.trees().iter().enumerate() {
            trees.add_to(&mut state, &format!("trees.{number}"));
        }
        if let Some(linear) = self.linear() {
            linear.add_to(&mut state, "linear");
        }
        self.calibration.add_to(&mut state, "calibration");
        state.insert_f64("shifts", &[self.shifts.len()], self.shifts.clone());
        if let Some(conformal) = &self.conformal {
            conformal.add_to(&mut state, "conformal");
        }
        state
    }

    fn from_state(state: &State) -> Result<Model, StateError> {
        let encoder = Encoder::from_state(state)?;
        let target = Target::from_state(state)?;
        let counts = state.u8s("members", &[Some(2)])?;
        let share = state.f64s("share", &[Some(1)])?[0];
        if !(0.0..=1.0).contains(&share) {
            return Err(StateError::invalid("share", "not between 0 and 1"));
        }
        let trees = (0..counts[0]).map(|number| ensemble(state, number, &encoder, &target));
        let trees = trees.collect::<Result<Vec<_>, _>>()?;
        let linear = match counts[1] {
            0 => None,
            _ => Some(linear(state, &encoder, &target)?),
        };
        let expected = target.losses().len();
        let fits = trees.is_empty() || trees.len() == expected;
        if !fits || (trees.is_empty() && linear.is_none()) {
            return Err(StateError::invalid("members", "not those of the target"));
        }
        let calibration = Calibration::from_state(state, "calibration")?;
        let conformal = match state.tensors.contains_key("conformal.levels") {
            true => Some(Conformal::from_state(state, "conformal")?),
            false => None,
        };
        let shifts = state.f64s("shifts", &[None])?.to_vec();
        if !shifts.is_empty() && shifts.len() != target.outputs() {
            return Err(StateError::invalid("shifts", "not one per quantile"));
        }
        let members = Members::new(trees, linear, share);
        Ok(Model::new(
            encoder,
            target,
            members,
            calibration,
            conformal,
            shifts,
        ))
    }
}

/// Ensemble `number`, which must take the columns of the encoder.
fn ensemble(
    state: &State,
    number: u8,
    encoder: &Encoder,
    target: &Target,
) -> Result<Ensemble, StateError> {
    let prefix = format!("trees.{number}");
    let invalid = |reason: &str| Err(StateError::invalid(&prefix, reason));
    let trees = Ensemble::from_state(state, &prefix)?;
    let losses = target.losses();
    let expected = losses.get(usize::from(number)).map(|loss| loss.outputs());
    if Some(trees.outputs()) != expected {
        return invalid("not the outputs of the target");
    }
    let kinds = trees.parts().kinds.iter().map(|&kind| kind == 1);
    if !kinds.eq(encoder.categories(UsedBy::Trees)) {
        return invalid("not the columns of the table");
    }
    match Explainer::new(&trees) {
        Ok(_) => Ok(trees),
        Err(error) => invalid(&error.to_string()),
    }
}

fn linear(state: &State, encoder: &Encoder, target: &Target) -> Result<Linear, StateError> {
    let linear = Linear::from_state(state, "linear")?;
    let family = target.family();
    let outputs = family.map(|family| (family.outputs(), family.link()));
    if outputs != Some((linear.outputs(), linear.link())) {
        let reason = "not the outputs of the target";
        return Err(StateError::invalid("linear", reason));
    }
    if !linear
        .design()
        .categories()
        .eq(encoder.categories(UsedBy::Linear))
    {
        let reason = "not the columns of the table";
        return Err(StateError::invalid("linear", reason));
    }
    Ok(linear)
}

impl Target {
    fn add_to(&self, state: &mut State) {
        let (kind, quantiles) = match self {
            Target::Classes(_) => (0, Vec::new()),
            Target::Number => (1, Vec::new()),
            Target::Count => (2, Vec::new()),
            Target::Quantiles(levels) => (3, levels.clone()),
        };
        state.insert_u8("target", &[1], vec![kind]);
        state.insert_f64("quantiles", &[quantiles.len()], quantiles);
        state.insert_strings("classes", self.classes().to_vec());
    }

    fn from_state(state: &State) -> Result<Target, StateError> {
        let classes = state.strings("classes")?.to_vec();
        let levels = state.f64s("quantiles", &[None])?.to_vec();
        let target = match state.u8s("target", &[Some(1)])?[0] {
            0 => Target::Classes(classes),
            1 => Target::Number,
            2 => Target::Count,
            3 => Target::Quantiles(levels),
            _ => return Err(StateError::invalid("target", "not a known kind")),
        };
        let is_level = |level: &f64| *level > 0.0 && *level < 1.0;
        match &target {
            Target::Classes(names) if names.len() < 2 => {
                Err(StateError::invalid("classes", "fewer than two classes"))
            }
            Target::Quantiles(levels)
                if levels.is_empty()
                    || !levels.iter().all(is_level)
                    || !levels.is_sorted_by(|a, b| a < b) =>
            {
                let reason = "not ascending between 0 and 1";
                Err(StateError::invalid("quantiles", reason))
            }
            _ => Ok(target),
        }
    }
}

impl Encoder {
    fn add_to(&self, state: &mut State) {
        let names = self.columns.iter().map(|column| column.name.clone());
        state.insert_strings("columns", names.collect());
        let kind = |column: &Encoding| {
            let place = ColumnKind::ALL.iter().position(|&kind| kind == column.kind);
            place.unwrap_or(0) as u8
        };
        let kinds: Vec<u8> = self.columns.iter().map(kind).collect();
        state.insert_u8("columns.kinds", &[kinds.len()], kinds);
        let mut hours = vec![0; self.columns.len()];
        let mut counts = vec![0; self.columns.len()];
        for (number, column) in self.columns.iter().enumerate() {
            match &column.how {
                How::Number => {}
                How::Category(categories) => {
                    state.insert_strings(&format!("words.{number}"), categories.words.clone());
                    counts[number] = categories.statistics.len() as u8;
                    for (index, statistics) in categories.statistics.iter().enumerate() {
                        statistics.add_to(state, &format!("statistics.{number}.{index}"));
                    }
                }
                How::Time(parts) => hours[number] = u8::from(parts.hour),
                How::Text(None) => {}
                How::Text(Some(terms)) => {
                    insert_all(state, &format!("text.{number}."), terms.model.to_state());
                }
            }
        }
        state.insert_u8("hours", &[hours.len()], hours);
        state.insert_u8("statistics", &[counts.len()], counts);
    }

    fn from_state(state: &State) -> Result<Encoder, StateError> {
        let names = state.strings("columns")?;
        let count = [Some(names.len())];
        let kinds = state.u8s("columns.kinds", &count)?;
        let hours = state.u8s("hours", &count)?;
        let counts = state.u8s("statistics", &count)?;
        if names.is_empty() {
            return Err(StateError::invalid("columns", "no columns"));
        }
        let column = |(number, name): (usize, &String)| {
            let kind = ColumnKind::ALL.get(usize::from(kinds[number])).copied();
            let unknown = || StateError::invalid("columns.kinds", "not a known kind");
            let kind = kind.ok_or_else(unknown)?;
            Ok(Encoding {
                name: name.clone(),
                kind,
                how: how(state, number, kind, (hours[number] == 1, counts[number]))?,
            })
        };
        let columns = names.iter().enumerate().map(column);
        Ok(Encoder {
            columns: columns.collect::<Result<_, StateError>>()?,
        })
    }
}

fn how(
    state: &State,
    number: usize,
    kind: ColumnKind,
    (hour, statistics): (bool, u8),
) -> Result<How, StateError> {
    Ok(match kind {
        ColumnKind::Number | ColumnKind::Boolean => How::Number,
        ColumnKind::Category => {
            let name = format!("words.{number}");
            let words = state.strings(&name)?;
            if !words.is_sorted_by(|a, b| a < b) {
                return Err(StateError::invalid(&name, "not ascending"));
            }
            let statistics = (0..statistics)
                .map(|index| {
                    TargetStatistics::from_state(state, &format!("statistics.{number}.{index}"))
                })
                .collect::<Result<_, _>>()?;
            How::Category(Categories {
                words: words.to_vec(),
                statistics,
            })
        }
        ColumnKind::Time => How::Time(Parts { hour }),
        ColumnKind::Text => {
            let own = entries(state, &format!("text.{number}."));
            match own.tensors.is_empty() {
                true => How::Text(None),
                false => {
                    let model = nlp::Model::from_state(&own)?;
                    How::Text(Some(Box::new(Terms { model })))
                }
            }
        }
    })
}

/// Adds every entry of another state under a prefix.
fn insert_all(state: &mut State, prefix: &str, of: State) {
    let named = |name: String| format!("{prefix}{name}");
    let tensors = of
        .tensors
        .into_iter()
        .map(|(name, tensor)| (named(name), tensor));
    state.tensors.extend(tensors);
    let strings = of
        .strings
        .into_iter()
        .map(|(name, strings)| (named(name), strings));
    state.strings.extend(strings);
}

/// The entries under a prefix, without it.
fn entries(state: &State, prefix: &str) -> State {
    let named = |name: &String| name.strip_prefix(prefix).map(str::to_owned);
    let tensors = state.tensors.iter();
    let strings = state.strings.iter();
    State {
        tensors: tensors
            .filter_map(|(name, tensor)| Some((named(name)?, tensor.clone())))
            .collect(),
        strings: strings
            .filter_map(|(name, strings)| Some((named(name)?, strings.clone())))
            .collect(),
    }
}
