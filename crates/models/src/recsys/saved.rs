//! Converts a model to a state, and back with all checks.

use super::als::Side;
use super::ease::Ease;
use super::graph::{self, Graph, Powers};
use super::interactions::Interactions;
use super::knn::Neighbours;
use super::model::{Catalogue, Fitted, Kind, Later, Model};
use crate::state::{State, StateError, Stateful};

impl Stateful for Model {
    fn to_state(&self) -> State {
        let mut state = State::default();
        state.insert_strings("kind", vec![self.fitted.kind().as_str().to_owned()]);
        state.insert_strings("users", self.catalogue.users.clone());
        state.insert_strings("items", self.catalogue.items.clone());
        state.insert_strings("titles", self.catalogue.titles.clone());
        save_rows(&mut state, "taken", &self.taken);
        if self.later != Later::default() {
            state.insert_strings("later.users", self.later.users.clone());
            save_rows(&mut state, "later", &self.later.taken);
        }
        let items = self.popularity.len();
        state.insert_f32("popularity", &[items], self.popularity.clone());
        state.insert_f64("half_life", &[1], vec![self.half_life]);
        match &self.fitted {
            Fitted::Als(side) => {
                let f = side.factors;
                state.insert_f32("als.items", &[items, f], side.rows.clone());
                state.insert_f32("als.shared", &[f], side.shared.clone());
                let options = vec![side.regularization, side.exponent, side.offset];
                state.insert_f64("als.options", &[3], options);
            }
            Fitted::Ease(ease) => {
                state.insert_f32("ease.weights", &[items, items], ease.weights.clone());
            }
            Fitted::Knn(near) => save_rows(&mut state, "knn.near", &near.0),
            Fitted::Graph(graph) => {
                let shape = [items, graph.rank];
                state.insert_f32("graph.vectors", &shape, graph.vectors.clone());
                let options = &graph.options;
                let numbers = [
                    options.user,
                    options.taken,
                    options.scored,
                    options.low_pass,
                ];
                state.insert_f64("graph.options", &[4], numbers.to_vec());
            }
            Fitted::Popular => {}
        }
        state
    }

    fn from_state(state: &State) -> Result<Self, StateError> {
        let kind = match state.strings("kind")? {
            [kind] => Kind::ALL.into_iter().find(|known| known.as_str() == kind),
            _ => None,
        };
        let kind = kind.ok_or_else(|| StateError::invalid("kind", "unknown model kind"))?;
        let catalogue = Catalogue {
            users: state.strings("users")?.to_vec(),
            items: state.strings("items")?.to_vec(),
            titles: state.strings("titles")?.to_vec(),
        };
        let items = catalogue.items.len();
        if !catalogue.titles.is_empty() && catalogue.titles.len() != items {
            return Err(StateError::invalid("titles", "expected one per item"));
        }
        let taken = load_rows(state, "taken", items)?;
        if taken.users() != catalogue.users.len() {
            return Err(StateError::invalid(
                "taken.starts",
                "expected one row per user",
            ));
        }
        let later = later(state, &taken)?;
        let half_life = state.f64s("half_life", &[Some(1)])?[0];
        if half_life < 0.0 {
            return Err(StateError::invalid("half_life", "below 0"));
        }
        Ok(Model {
            fitted: fitted(state, kind, &taken)?,
            popularity: state.f32s("popularity", &[Some(items)])?.to_vec(),
            half_life,
            catalogue,
            taken,
            later,
        })
    }
}

/// Later interactions; empty if the model was saved without any.
fn later(state: &State, taken: &Interactions) -> Result<Later, StateError> {
    if !state.strings.contains_key("later.users") {
        return Ok(Later::default());
    }
    let later = Later {
        users: state.strings("later.users")?.to_vec(),
        taken: load_rows(state, "later", taken.width())?,
    };
    match later.taken.users() == taken.users() + later.users.len() {
        true => Ok(later),
        false => Err(StateError::invalid(
            "later.starts",
            "expected one row per user",
        )),
    }
}

fn fitted(state: &State, kind: Kind, taken: &Interactions) -> Result<Fitted, StateError> {
    let items = taken.width();
    Ok(match kind {
        Kind::Als => {
            let shared = state.f32s("als.shared", &[None])?;
            let factors = shared.len();
            let rows = state.f32s("als.items", &[Some(items), Some(factors)])?;
            let options = state.f64s("als.options", &[Some(3)])?;
            if factors == 0 || shared.iter().any(|&value| value < 0.0) {
                return Err(StateError::invalid("als.shared", "empty or below 0"));
            }
            if options.iter().any(|&value| value < 0.0) {
                return Err(StateError::invalid("als.options", "below 0"));
            }
            Fitted::Als(Side {
                factors,
                rows: rows.to_vec(),
                shared: shared.to_vec(),
                regularization: options[0],
                exponent: options[1],
                offset: options[2],
            })
        }
        Kind::Ease => Fitted::Ease(Ease {
            items,
            weights: state
                .f32s("ease.weights", &[Some(items), Some(items)])?
                .to_vec(),
        }),
        Kind::Knn => {
            let near = load_rows(state, "knn.near", items)?;
            if near.users() != items {
                return Err(StateError::invalid(
                    "knn.near.starts",
                    "expected one row per item",
                ));
            }
            Fitted::Knn(Neighbours(near))
        }
        Kind::Graph => {
            let vectors = state.f32s("graph.vectors", &[Some(items), None])?;
            let rank = vectors.len().checked_div(items).unwrap_or(0);
            let numbers = state.f64s("graph.options", &[Some(4)])?;
            let options = graph::GraphOptions {
                user: numbers[0],
                taken: numbers[1],
                scored: numbers[2],
                low_pass: numbers[3],
                factors: rank,
            };
            Fitted::Graph(Graph {
                powers: Powers::new(&options, taken),
                options,
                rank,
                vectors: vectors.to_vec(),
            })
        }
        Kind::Popular => Fitted::Popular,
    })
}

fn save_rows(state: &mut State, name: &str, rows: &Interactions) {
    let starts: Vec<u64> = rows.starts().iter().map(|&start| start as u64).collect();
    state.insert_u64(&format!("{name}.starts"), &[starts.len()], starts);
    state.insert_u32(
        &format!("{name}.items"),
        &[rows.len()],
        rows.items().to_vec(),
    );
    state.insert_f32(
        &format!("{name}.weights"),
        &[rows.len()],
        rows.weights().to_vec(),
    );
}

/// Loads rows over `width` items: ascending starts, items in range and unique within a row, weights
/// above 0.
fn load_rows(state: &State, name: &str, width: usize) -> Result<Interactions, StateError> {
    let part = |part: &str| format!("{name}.{part}");
    let starts = state.u64s(&part("starts"), &[None])?;
    let items = state.u32s(&part("items"), &[None])?;
    let weights = state.f32s(&part("weights"), &[Some(items.len())])?;
    let bad = |tensor: &str, reason: &str| Err(StateError::invalid(&part(tensor), reason));
    if starts.first() != Some(&0) || starts.last() != Some(&(items.len() as u64)) {
        return bad("starts", "does not span the items");
    }
    if weights.iter().any(|&weight| weight <= 0.0) {
        return bad("weights", "not above 0");
    }
    let mut rows = Interactions::new(width);
    let mut seen = vec![usize::MAX; width];
    for (row, pair) in starts.windows(2).enumerate() {
        if pair[0] > pair[1] || pair[1] > items.len() as u64 {
            return bad("starts", "falls");
        }
        let range = pair[0] as usize..pair[1] as usize;
        for &item in &items[range.clone()] {
            match seen.get_mut(item as usize) {
                Some(last) if *last != row => *last = row,
                _ => return bad("items", "an item is out of range or repeated in a row"),
            }
        }
        rows.push(&items[range.clone()], &weights[range]);
    }
    Ok(rows)
}
