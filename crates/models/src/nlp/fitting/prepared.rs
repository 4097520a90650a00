//! Texts made into rows, and the problem of the rows: all that comes before solving.

use std::sync::Arc;

use super::folds::Data;
use super::options::ClassifierOptions;
use super::progress::Progress;
use super::search::Labelled;
use crate::linear::Examples;
use crate::nlp::counting::corpus::Corpus;
use crate::nlp::features::vectorizer::{Fitted, Vectorizer};

/// Features, and the rows of the texts they were fitted to.
pub(super) struct Prepared<'a> {
    pub fitted: Fitted,
    pub data: Data<'a>,
}

impl<'a> Prepared<'a> {
    /// Chooses the features of `corpus`, whose texts are those of `all`, and builds its rows; `None`
    /// if no feature is left.
    pub fn new(
        options: &ClassifierOptions,
        corpus: &Arc<Corpus>,
        all: &'a Labelled<'a>,
        watch: &dyn Fn(Progress),
    ) -> Option<Prepared<'a>> {
        let fitted = Vectorizer::fit(&options.features, corpus, options.precision);
        let features = fitted.vectorizer.features();
        if features == 0 {
            return None;
        }
        watch(Progress::Vectorizing { features });
        Some(Prepared::of(fitted, all))
    }

    /// Builds the rows of a choice among the features.
    pub fn kept(&self, kept: &[bool], all: &'a Labelled<'a>) -> Prepared<'a> {
        Prepared::of(self.fitted.kept(kept), all)
    }

    fn of(fitted: Fitted, all: &'a Labelled<'a>) -> Prepared<'a> {
        let blocks = fitted.vectorizer.blocks();
        let rows = fitted.matrix();
        let data = Data {
            examples: Examples::merged(rows, &all.labels, all.classes, &blocks),
            labels: &all.labels,
            classes: all.classes,
            blocks,
            costs: all.costs(),
        };
        Prepared { fitted, data }
    }
}
