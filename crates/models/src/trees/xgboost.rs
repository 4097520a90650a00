//! An ensemble as a model of XGBoost, in the JSON schema of its `Booster.save_model`.
//!
//! What is translated, and how:
//!
//! - A cut sends `x <= cut` left, XGBoost sends `x < threshold` left and compares in single precision.
//!   The threshold is the least single above all singles that are at most the cut, so that both agree
//!   on every finite single. XGBoost also rounds doubles to singles before it compares: a double can
//!   take the other side if it is within one single-precision step of the cut. Infinities are refused
//!   by XGBoost's `DMatrix`.
//! - The cut that only separates missing values has no threshold; it becomes `x < -3.4028235e38` with
//!   its children exchanged, which holds for no finite single.
//! - XGBoost sends the categories of a set right and all others left, those beyond the end of the set
//!   included. So the set has those categories that do not go where rare and unseen ones go, and
//!   children are exchanged where these go right. XGBoost has no empty sets: one that only separates
//!   missing values becomes that of a code at least 32 beyond those of training. A row with exactly
//!   this code would be scored as if missing; all other codes are scored as we do.
//! - XGBoost's `base_score` is a prediction for some objectives and a margin for others, and the way
//!   from the one to the other loses digits. It is set to what means a margin of 0; the start becomes
//!   one first tree per output that is a leaf. XGBoost counts them as a round.
//! - Leaf values are rounded to single precision, and XGBoost sums them in it.
//! - `sum_hessian` is the number of training rows of a node, since XGBoost and the package shap take it
//!   for that: they weigh the two ways of an unknown column by it, as we do by rows. So Shapley values
//!   are the same, which they would not be with the Hessians (of classes, counts or weighted rows).

use serde::Serialize;

use super::cuts::{MISSING, largest_single};
use super::ensemble::{Ensemble, NodeTest, range};
use super::loss::Link;

/// XGBoost's parent of a root.
const NO_PARENT: i32 = i32::MAX;
/// XGBoost's child of a leaf.
const NO_CHILD: i32 = -1;
/// XGBoost compares codes as singles, which are exact below this.
const MAX_CATEGORIES: u32 = 1 << 24;

/// A model of XGBoost; serialize it with `serde_json` and load it with `Booster.load_model`.
///
/// Columns of categories are to be given to XGBoost as their codes, with `feature_types` of `c` and
/// `enable_categorical=True`; missing values as NaN.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct XgboostModel {
    learner: Learner,
    version: [u32; 3],
}

/// Why an ensemble cannot be written as a model of XGBoost.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ExportError {
    /// There is not one name per column.
    #[error("expected one name for each of {expected} columns, got {got}")]
    Names {
        /// Number of columns.
        expected: usize,
        /// Number of names.
        got: usize,
    },
    /// XGBoost would refuse a name.
    #[error("column name `{name}` {reason}; rename the column")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// XGBoost has no models without columns.
    #[error("XGBoost has no models without columns")]
    NoColumns,
    /// A number is too large for single precision.
    #[error("{value} is too large for the single precision of XGBoost")]
    Value {
        /// The number.
        value: f64,
    },
    /// A set of categories has codes that XGBoost cannot tell apart.
    #[error("column {column} has more than 2^24 categories, which XGBoost cannot tell apart")]
    Categories {
        /// Index of the column.
        column: usize,
    },
    /// XGBoost's softmax needs two classes.
    #[error("a softmax of a single output; XGBoost needs at least two classes")]
    SingleClass,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Learner {
    attributes: Empty,
    feature_names: Vec<String>,
    feature_types: Vec<&'static str>,
    gradient_booster: Booster,
    learner_model_param: LearnerParam,
    objective: Objective,
}

/// An object without entries.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Empty {}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Booster {
    model: Model,
    name: &'static str,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct LearnerParam {
    base_score: &'static str,
    boost_from_average: &'static str,
    num_class: String,
    num_feature: String,
    num_target: String,
}

/// An objective; XGBoost reads the parameters of the one that is named.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Objective {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reg_loss_param: Option<RegLossParam>,
    #[serde(skip_serializing_if = "Option::is_none")]
    softmax_multiclass_param: Option<SoftmaxParam>,
    #[serde(skip_serializing_if = "Option::is_none")]
    poisson_regression_param: Option<PoissonParam>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct RegLossParam {
    scale_pos_weight: &'static str,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct SoftmaxParam {
    num_class: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct PoissonParam {
    max_delta_step: &'static str,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Model {
    cats: Categories,
    gbtree_model_param: TreesParam,
    iteration_indptr: Vec<usize>,
    tree_info: Vec<usize>,
    trees: Vec<Tree>,
}

/// The names of categories, of which there are none: they are codes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Categories {
    enc: Vec<u32>,
    feature_segments: Vec<u32>,
    sorted_idx: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct TreesParam {
    num_parallel_tree: &'static str,
    num_trees: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Tree {
    base_weights: Vec<f32>,
    categories: Vec<u32>,
    categories_nodes: Vec<usize>,
    categories_segments: Vec<usize>,
    categories_sizes: Vec<usize>,
    default_left: Vec<u8>,
    id: usize,
    left_children: Vec<i32>,
    loss_changes: Vec<f32>,
    parents: Vec<i32>,
    right_children: Vec<i32>,
    split_conditions: Vec<f32>,
    split_indices: Vec<u32>,
    split_type: Vec<u8>,
    sum_hessian: Vec<f32>,
    tree_param: TreeParam,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct TreeParam {
    num_deleted: &'static str,
    num_feature: String,
    num_nodes: String,
    size_leaf_vector: &'static str,
}

/// A test in XGBoost's terms.
struct Question {
    /// Whether our left child is XGBoost's right one.
    is_exchanged: bool,
    /// Whether missing values go to XGBoost's left child.
    default_left: bool,
    /// For numbers what is less goes left.
    threshold: f32,
    /// Codes that go right, ascending; none if the test is a threshold.
    categories: Vec<u32>,
}

impl Question {
    fn of_cut(cut: f64, missing_left: bool) -> Question {
        let threshold = largest_single(cut).next_up();
        let is_exchanged = !threshold.is_finite();
        Question {
            is_exchanged,
            default_left: missing_left != is_exchanged,
            threshold: if is_exchanged { f32::MIN } else { threshold },
            categories: Vec::new(),
        }
    }

    /// The test of a set, given the bin of each category.
    fn of_set(set: &[u64; 4], bins: &[u8]) -> Question {
        let goes_left = |bin: u8| set[usize::from(bin >> 6)] >> (bin & 63) & 1 == 1;
        let (others_left, missing_left) = (goes_left(0), goes_left(MISSING));
        let differs = |(_, bin): &(u32, &u8)| goes_left(**bin) != others_left;
        let codes = (0..).zip(bins).filter(differs).map(|(code, _)| code);
        let mut categories: Vec<u32> = codes.collect();
        if categories.is_empty() {
            // The last bit of a word of XGBoost's sets.
            categories.push((bins.len() as u32 + 32) | 31);
        }
        Question {
            is_exchanged: !others_left,
            default_left: missing_left == others_left,
            threshold: 0.0,
            categories,
        }
    }
}

impl Ensemble {
    /// Translates the trees to a model of XGBoost 3.2 (2.1 reads it as well), whose margins are ours
    /// up to the rounding to single precision; see the head of this module's file for details.
    ///
    /// `names` has one name per column, or is empty for a model without names. The objective follows
    /// from the link alone: `reg:squarederror`, `binary:logistic`, `multi:softprob`, or
    /// `count:poisson` (for Tweedie as well, whose predictions are computed alike). `loss_changes` are
    /// our gains, `sum_hessian` numbers of rows, so that XGBoost's Shapley values are those of
    /// [`Explainer::new`](super::Explainer::new).
    ///
    /// # Errors
    /// If the names are not those of the columns or not accepted by XGBoost, there are no columns, a
    /// value overflows single precision, or a set has a category beyond the first 2^24.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::trees::{BinOptions, Bins, Column, Loss, Options, Target};
    ///
    /// let x: Vec<f64> = (0..100).map(f64::from).collect();
    /// let bins = Bins::new(&[Column::F64(&x)], &BinOptions::default()).unwrap();
    /// let trees = Options::of(Loss::Squared).fit(&bins, &Target::new(&x)).unwrap();
    /// let model = trees.to_xgboost(&["size".to_owned()]).unwrap();
    /// let json = serde_json::to_string(&model).unwrap();
    /// assert!(json.contains("reg:squarederror"));
    /// ```
    pub fn to_xgboost(&self, names: &[String]) -> Result<XgboostModel, ExportError> {
        self.check_names(names)?;
        let outputs = self.outputs();
        if self.link() == Link::Softmax && outputs < 2 {
            return Err(ExportError::SingleClass);
        }
        let starts = self.parts().start.iter();
        let constants = starts.map(|&start| self.constant(start));
        let grown = (0..self.trees()).map(|tree| self.tree(tree));
        let mut trees: Vec<Tree> = constants.chain(grown).collect::<Result<_, _>>()?;
        for (id, tree) in trees.iter_mut().enumerate() {
            tree.id = id;
        }
        let kind = |&kind: &u8| if kind == 1 { "c" } else { "float" };
        let model = Model {
            cats: Categories::default(),
            gbtree_model_param: TreesParam {
                num_parallel_tree: "1",
                num_trees: trees.len().to_string(),
            },
            iteration_indptr: (0..=trees.len()).step_by(outputs).collect(),
            tree_info: (0..trees.len()).map(|tree| tree % outputs).collect(),
            trees,
        };
        Ok(XgboostModel {
            learner: Learner {
                attributes: Empty {},
                feature_names: names.to_vec(),
                feature_types: self.parts().kinds.iter().map(kind).collect(),
                gradient_booster: Booster {
                    model,
                    name: "gbtree",
                },
                learner_model_param: self.learner_param(),
                objective: Objective::of(self.link(), outputs),
            },
            version: [3, 2, 0],
        })
    }

    /// The number in single precision for which XGBoost answers as we do for `value` of a column, if
    /// the cuts leave one: the nearest, or a neighbour of it if rounding would cross a cut. NaN stays NaN.
    ///
    /// It is needed for numbers that are given with the model; others are rounded by XGBoost.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn single_for_xgboost(&self, column: usize, value: f64) -> f32 {
        let parts = self.parts();
        let cuts = &parts.cuts[range(&parts.cut_starts, column)];
        let side = cuts.partition_point(|&cut| cut < value);
        let nearest = value as f32;
        let is_alike =
            |single: &f32| cuts.partition_point(|&cut| largest_single(cut) < *single) == side;
        [nearest, nearest.next_down(), nearest.next_up()]
            .into_iter()
            .find(is_alike)
            .unwrap_or(nearest)
    }

    fn check_names(&self, names: &[String]) -> Result<(), ExportError> {
        let (expected, got) = (self.columns(), names.len());
        if expected == 0 {
            return Err(ExportError::NoColumns);
        }
        if got > 0 && got != expected {
            return Err(ExportError::Names { expected, got });
        }
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_unstable();
        let repeated = sorted.windows(2).find(|pair| pair[0] == pair[1]);
        let reserved = names.iter().find(|name| name.contains(['[', ']', '<']));
        let error = |name: &String, reason| ExportError::Name {
            name: name.clone(),
            reason,
        };
        match (repeated, reserved) {
            (Some(pair), _) => Err(error(pair[0], "is that of two columns")),
            (_, Some(name)) => Err(error(name, "contains `[`, `]` or `<`")),
            (None, None) => Ok(()),
        }
    }

    fn learner_param(&self) -> LearnerParam {
        let outputs = self.outputs();
        let (classes, targets) = match self.link() {
            Link::Softmax => (outputs, 1),
            _ => (0, outputs),
        };
        LearnerParam {
            // What has a margin of 0.
            base_score: match self.link() {
                Link::Identity | Link::Softmax => "0E0",
                Link::Logistic => "5E-1",
                Link::Log => "1E0",
            },
            boost_from_average: "1",
            num_class: classes.to_string(),
            num_feature: self.columns().to_string(),
            num_target: targets.to_string(),
        }
    }

    /// A tree that is a leaf.
    fn constant(&self, value: f64) -> Result<Tree, ExportError> {
        let rows = self.parts().rows.first().copied();
        let mut tree = Tree::default();
        tree.add_leaf(NO_PARENT, single(value)?);
        tree.sum_hessian.push(rows.unwrap_or(1) as f32);
        tree.loss_changes.push(0.0);
        tree.finish(self.columns());
        Ok(tree)
    }

    fn tree(&self, index: usize) -> Result<Tree, ExportError> {
        let parts = self.parts();
        let first = parts.tree_starts[index] as usize;
        let mut tree = Tree::default();
        // Breadth first: entry i is node i of the translation, with its parent there.
        let mut order = vec![(first, NO_PARENT)];
        let mut next = 0;
        while let Some(&(node, parent)) = order.get(next) {
            match self.question(node)? {
                None => tree.add_leaf(parent, single(parts.values[node])?),
                Some(question) => {
                    let left = first + parts.lefts[node] as usize;
                    let exchange = usize::from(question.is_exchanged);
                    let place = order.len() as i32;
                    order.push((left + exchange, next as i32));
                    order.push((left + 1 - exchange, next as i32));
                    tree.add_split(parent, place, parts.columns[node], question);
                }
            }
            tree.sum_hessian.push(parts.rows[node] as f32);
            tree.loss_changes.push(bounded(parts.gains[node]));
            next += 1;
        }
        let rows = order.iter().map(|&(node, _)| f64::from(parts.rows[node]));
        tree.set_means(&rows.collect::<Vec<f64>>());
        tree.finish(self.columns());
        Ok(tree)
    }

    /// The test of a node in XGBoost's terms; `None` for a leaf.
    fn question(&self, node: usize) -> Result<Option<Question>, ExportError> {
        let Some((column, test)) = self.test(node) else {
            return Ok(None);
        };
        let question = match test {
            NodeTest::Cut { cut, missing_left } => Question::of_cut(cut, missing_left),
            NodeTest::Set(set) => {
                let categories = range(&self.parts().category_starts, column);
                Question::of_set(set, &self.parts().category_bins[categories])
            }
        };
        match question.categories.last() {
            Some(&last) if last >= MAX_CATEGORIES => Err(ExportError::Categories { column }),
            _ => Ok(Some(question)),
        }
    }
}

impl Objective {
    fn of(link: Link, outputs: usize) -> Objective {
        let reg_loss = RegLossParam {
            scale_pos_weight: "1",
        };
        let name = match link {
            Link::Identity => "reg:squarederror",
            Link::Logistic => "binary:logistic",
            Link::Softmax => "multi:softprob",
            Link::Log => "count:poisson",
        };
        Objective {
            name,
            reg_loss_param: matches!(link, Link::Identity | Link::Logistic).then_some(reg_loss),
            softmax_multiclass_param: (link == Link::Softmax).then(|| SoftmaxParam {
                num_class: outputs.to_string(),
            }),
            poisson_regression_param: (link == Link::Log).then_some(PoissonParam {
                max_delta_step: "0.7",
            }),
        }
    }
}

impl Tree {
    fn add_leaf(&mut self, parent: i32, value: f32) {
        self.parents.push(parent);
        self.left_children.push(NO_CHILD);
        self.right_children.push(NO_CHILD);
        self.split_indices.push(0);
        self.split_type.push(0);
        self.default_left.push(0);
        self.split_conditions.push(value);
        self.base_weights.push(value);
    }

    fn add_split(&mut self, parent: i32, left: i32, column: u32, question: Question) {
        if !question.categories.is_empty() {
            self.categories_nodes.push(self.parents.len());
            self.categories_segments.push(self.categories.len());
            self.categories_sizes.push(question.categories.len());
        }
        self.parents.push(parent);
        self.left_children.push(left);
        self.right_children.push(left + 1);
        self.split_indices.push(column);
        self.split_type
            .push((!question.categories.is_empty()).into());
        self.default_left.push(question.default_left.into());
        self.split_conditions.push(question.threshold);
        self.base_weights.push(0.0);
        self.categories.extend(question.categories);
    }

    /// Gives each inner node the mean of its leaves, which XGBoost has for approximate contributions.
    fn set_means(&mut self, rows: &[f64]) {
        let mut means: Vec<f64> = self.base_weights.iter().map(|&w| f64::from(w)).collect();
        for node in (0..means.len()).rev() {
            if self.left_children[node] != NO_CHILD {
                let left = self.left_children[node] as usize;
                let sum = means[left] * rows[left] + means[left + 1] * rows[left + 1];
                means[node] = sum / (rows[left] + rows[left + 1]);
                self.base_weights[node] = means[node] as f32;
            }
        }
    }

    fn finish(&mut self, columns: usize) {
        self.tree_param = TreeParam {
            num_deleted: "0",
            num_feature: columns.to_string(),
            num_nodes: self.parents.len().to_string(),
            size_leaf_vector: "1",
        };
    }
}

/// A number in single precision.
fn single(value: f64) -> Result<f32, ExportError> {
    match value as f32 {
        single if single.is_finite() => Ok(single),
        _ => Err(ExportError::Value { value }),
    }
}

/// A statistic of a node, which is not needed exactly.
fn bounded(value: f64) -> f32 {
    (value as f32).clamp(0.0, f32::MAX)
}
