//! A fitted model: the scorer, with the ids and histories it recommends from.

use super::als::{self, Side};
use super::ease::{self, Ease, EaseError};
use super::graph::{self, Graph};
use super::interactions::{History, Interactions};
use super::knn::{self, Neighbours};
use crate::kernels::math;

/// Kinds of model.
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

    /// The name used in parameters and model files.
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
    /// Options of [`Kind::Als`].
    Als(als::AlsOptions),
    /// Options of [`Kind::Ease`].
    Ease(ease::EaseOptions),
    /// Options of [`Kind::Knn`].
    Knn(knn::KnnOptions),
    /// Options of [`Kind::Graph`].
    Graph(graph::GraphOptions),
    /// [`Kind::Popular`] has no options.
    Popular,
}

/// Why no model was fitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// EASE is too large or has no inverse.
    #[error(transparent)]
    Ease(#[from] EaseError),
}

impl ModelOptions {
    /// The kind that these options configure.
    pub fn kind(&self) -> Kind {
        match self {
            ModelOptions::Als(_) => Kind::Als,
            ModelOptions::Ease(_) => Kind::Ease,
            ModelOptions::Knn(_) => Kind::Knn,
            ModelOptions::Graph(_) => Kind::Graph,
            ModelOptions::Popular => Kind::Popular,
        }
    }

    /// Fits the model to the interactions `taken`. `allowed` limits the memory of EASE in bytes,
    /// the only kind whose memory is known in advance.
    ///
    /// `seed` starts the random factors of ALS and the vectors of the filter; EASE and neighbours use no
    /// random numbers.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::recsys::{Interactions, ModelOptions, Query, Recommender, popularity};
    ///
    /// // Who took item 0 took item 1; item 2 has users of its own.
    /// let mut taken = Interactions::new(3);
    /// for _ in 0..4 {
    ///     taken.push(&[0, 1], &[1.0, 1.0]);
    /// }
    /// taken.push(&[2], &[1.0]);
    /// taken.push(&[0], &[1.0]);
    /// let fitted = ModelOptions::Popular.fit(&taken, 42, usize::MAX).unwrap();
    /// let popular = popularity(&taken, &[], 0.0);
    /// let recommender = Recommender::of(&fitted, &taken, &popular, 0.0);
    /// let query = Query { history: taken.row(5), denied: &[], allowed: None };
    /// let list = &recommender.lists(&[query], 10)[0];
    /// let items: Vec<u32> = list.iter().map(|scored| scored.item).collect();
    /// assert_eq!(items, [1, 2]); // without the one that the user has
    /// ```
    ///
    /// # Errors
    /// See [`EaseError`]; the other kinds always succeed.
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

/// Scores items from a history.
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
    /// The same list for every user: [`Model::popularity`].
    Popular,
}

impl Fitted {
    /// The kind of model.
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

/// Ids of users and items as spelled in the data, in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    /// Id of each user.
    pub users: Vec<String>,
    /// Id of each item.
    pub items: Vec<String>,
    /// A name for each item, or empty.
    pub titles: Vec<String>,
}

impl Catalogue {
    /// The item's name, or its id if it has none.
    pub fn title(&self, item: u32) -> &str {
        match self.titles.get(item as usize) {
            Some(title) if !title.is_empty() => title,
            _ => &self.items[item as usize],
        }
    }
}

/// Interactions after those the model was fitted to: they influence a user's list and are not
/// recommended again, but nothing was learned from them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Later {
    /// Users who are new since then, numbered after the last known one.
    pub users: Vec<String>,
    /// One row per user, the known ones first; or no rows at all.
    pub taken: Interactions,
}

/// A user's interactions from several sources.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taken {
    /// Oldest first, without duplicates.
    pub items: Vec<u32>,
    /// The weight of each item.
    pub weights: Vec<f32>,
}

impl Taken {
    /// Adds an item unless it is present.
    pub fn add(&mut self, item: u32, weight: f32) {
        if !self.items.contains(&item) {
            self.items.push(item);
            self.weights.push(weight);
        }
    }

    /// As a history for the models.
    pub fn history(&self) -> History<'_> {
        History {
            items: &self.items,
            weights: &self.weights,
        }
    }
}

impl Model {
    /// Ids of all users, with new ones at the end.
    pub fn users(&self) -> impl Iterator<Item = &String> {
        self.catalogue.users.iter().chain(&self.later.users)
    }

    /// All interactions of a user; empty for an unknown user.
    ///
    /// Those that the model was fitted to, then the later ones; an item in both keeps its first place and
    /// weight.
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
    /// The weighted interactions it was fitted to.
    pub taken: Interactions,
    /// Interactions since then.
    pub later: Later,
    /// Popularity of each item, for users without interactions.
    pub popularity: Vec<f32>,
    /// Share of a user's interactions after which an older one counts half; 0 weights all equally.
    pub half_life: f64,
    /// What scores items.
    pub fitted: Fitted,
}

/// How often each item was taken, where an interaction counts half when it is `half_life` older
/// than the newest (in the unit of `times`; 0 weights all equally). `times` has one entry per
/// interaction.
///
/// # Examples
/// ```
/// use easylife_models::recsys::{Interactions, popularity};
///
/// let mut taken = Interactions::new(2);
/// taken.push(&[0, 1], &[1.0, 1.0]);
/// taken.push(&[0], &[1.0]);
/// assert_eq!(popularity(&taken, &[], 0.0), [2.0, 1.0]);
/// // Days: item 0 was taken at day 0 and at day 10, which is the newest.
/// assert_eq!(popularity(&taken, &[0.0, 10.0, 10.0], 10.0), [1.5, 1.0]);
/// ```
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
