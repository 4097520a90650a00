//! A fitted model: what scores items from a history, with the ids and histories it recommends from.

use super::als::{self, Side};
use super::ease::{self, Ease, EaseError};
use super::graph::{self, Graph};
use super::interactions::{History, Interactions};
use super::knn::{self, Neighbours};
use crate::kernels::math;

/// Which model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Factors by alternating least squares, see [`als`].
    Als,
    /// Linear item-item model in closed form, see [`ease`].
    Ease,
    /// Nearest neighbours of items, see [`knn`].
    Knn,
    /// Filter on the graph of users and items, see [`graph`].
    Graph,
    /// The most popular items for everyone.
    Popular,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 5] = [Kind::Als, Kind::Ease, Kind::Knn, Kind::Graph, Kind::Popular];

    /// The name that parameters and model files use.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Als => "als",
            Kind::Ease => "ease",
            Kind::Knn => "knn",
            Kind::Graph => "graph",
            Kind::Popular => "popular",
        }
    }
}

/// A kind of model and its hyperparameters.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ModelOptions {
    /// Of [`Kind::Als`].
    Als(als::AlsOptions),
    /// Of [`Kind::Ease`].
    Ease(ease::EaseOptions),
    /// Of [`Kind::Knn`].
    Knn(knn::KnnOptions),
    /// Of [`Kind::Graph`].
    Graph(graph::GraphOptions),
    /// [`Kind::Popular`] has nothing to choose.
    Popular,
}

/// Why there is no fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// EASE is too large or has no inverse.
    #[error(transparent)]
    Ease(#[from] EaseError),
}

impl ModelOptions {
    /// The kind these are options of.
    pub fn kind(&self) -> Kind {
        match self {
            ModelOptions::Als(_) => Kind::Als,
            ModelOptions::Ease(_) => Kind::Ease,
            ModelOptions::Knn(_) => Kind::Knn,
            ModelOptions::Graph(_) => Kind::Graph,
            ModelOptions::Popular => Kind::Popular,
        }
    }

    /// Fits to who took what. `allowed` limits the bytes of memory of EASE, the one kind whose need is known
    /// before.
    ///
    /// # Errors
    /// See [`EaseError`]; the other kinds always fit.
    pub fn fit(&self, taken: &Interactions, seed: u64, allowed: usize) -> Result<Fitted, FitError> {
        Ok(match self {
            ModelOptions::Als(options) => Fitted::Als(options.fit(taken, seed)),
            ModelOptions::Ease(options) => Fitted::Ease(options.fit(taken, allowed)?),
            ModelOptions::Knn(options) => Fitted::Knn(options.fit(taken)),
            ModelOptions::Graph(options) => Fitted::Graph(options.fit(taken, seed)),
            ModelOptions::Popular => Fitted::Popular,
        })
    }
}

/// What scores items from a history.
#[derive(Clone, Debug, PartialEq)]
pub enum Fitted {
    /// Factors of the items.
    Als(Side),
    /// Weights from items to items.
    Ease(Ease),
    /// Neighbours of each item.
    Knn(Neighbours),
    /// The filter.
    Graph(Graph),
    /// The same for everyone: [`Model::popularity`].
    Popular,
}

impl Fitted {
    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            Fitted::Als(_) => Kind::Als,
            Fitted::Ease(_) => Kind::Ease,
            Fitted::Knn(_) => Kind::Knn,
            Fitted::Graph(_) => Kind::Graph,
            Fitted::Popular => Kind::Popular,
        }
    }
}

/// Ids of users and items as the data spell them, each in the order of its numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    /// Id of each user.
    pub users: Vec<String>,
    /// Id of each item.
    pub items: Vec<String>,
    /// A name for each item, or none at all.
    pub titles: Vec<String>,
}

impl Catalogue {
    /// The item's name, or its id where it has none.
    pub fn title(&self, item: u32) -> &str {
        match self.titles.get(item as usize) {
            Some(title) if !title.is_empty() => title,
            _ => &self.items[item as usize],
        }
    }
}

/// What users took after what a model was fitted to: it decides on their lists and is not recommended again,
/// but nothing was learnt from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Later {
    /// Users who came since, with numbers from that of the last known one on.
    pub users: Vec<String>,
    /// A row of each user, the known ones first; or no rows at all.
    pub taken: Interactions,
}

/// What a user took, from several sources.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taken {
    /// The oldest first, none twice.
    pub items: Vec<u32>,
    /// How much each counts, one an item.
    pub weights: Vec<f32>,
}

impl Taken {
    /// Adds an item, unless it is there.
    pub fn add(&mut self, item: u32, weight: f32) {
        if !self.items.contains(&item) {
            self.items.push(item);
            self.weights.push(weight);
        }
    }

    /// As the models take it.
    pub fn history(&self) -> History<'_> {
        History {
            items: &self.items,
            weights: &self.weights,
        }
    }
}

impl Model {
    /// Ids of all users, those who came later at the end.
    pub fn users(&self) -> impl Iterator<Item = &String> {
        self.catalogue.users.iter().chain(&self.later.users)
    }

    /// What a user took by the last interaction there is; nothing for one who is not known.
    pub fn taken_by(&self, user: usize) -> Taken {
        let row = |rows: &Interactions| match user < rows.users() {
            true => (
                rows.row(user).items.to_vec(),
                rows.row(user).weights.to_vec(),
            ),
            false => Default::default(),
        };
        let (items, weights) = row(&self.taken);
        let mut taken = Taken { items, weights };
        let (items, weights) = row(&self.later.taken);
        for (item, weight) in items.into_iter().zip(weights) {
            taken.add(item, weight);
        }
        taken
    }
}

/// A fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Ids and names.
    pub catalogue: Catalogue,
    /// What it was fitted to, weighed.
    pub taken: Interactions,
    /// What was taken since.
    pub later: Later,
    /// Of each item, for those of whom nothing is known.
    pub popularity: Vec<f32>,
    /// Share of a user's interactions after which an older one counts half; 0: all alike.
    pub half_life: f64,
    /// What scores items.
    pub fitted: Fitted,
}

/// How often each item was taken, where an interaction counts half once it is `half_life` older than
/// the newest (in the unit of `times`; 0: all alike). `times` has one entry an interaction.
pub fn popularity(taken: &Interactions, times: &[f64], half_life: f64) -> Vec<f32> {
    let newest = times.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sums = vec![0.0f64; taken.width()];
    for (at, &item) in taken.items().iter().enumerate() {
        sums[item as usize] += match times.get(at) {
            Some(time) if half_life > 0.0 => math::pow(0.5, (newest - time) / half_life),
            _ => 1.0,
        };
    }
    sums.into_iter().map(|sum| sum as f32).collect()
}
