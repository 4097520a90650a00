//! Trees of `tabular` as a model of XGBoost.

use anyhow::Result;

use crate::exit;
use crate::export::{Export, Exported, ExportedColumn, Format};
use crate::task::Loaded;
use crate::tasks::tabular::Tabular;
use models::tabular::calibration::Calibration;
use models::tabular::{Model, Target};

impl Export for Tabular {
    fn export(loaded: &Loaded<Self>, _: Format) -> Result<Exported> {
        let model = &loaded.model;
        if let Target::Quantiles(_) = model.target() {
            return Err(exit::usage(
                "a model of quantiles has trees for each of them, which XGBoost would hold in as many files; \
                 train one for tabular.data.kind number",
            ));
        }
        if model.share() < 1.0 {
            return Err(exit::usage(format!(
                "{} has a linear model, which XGBoost's trees cannot hold; train with -S \
                 tabular.model.kind=trees",
                loaded.name
            )));
        }
        let columns = model.tree_columns();
        let names: Vec<String> = columns.iter().map(|column| plain(&column.name)).collect();
        let trees = &model.trees()[0];
        let exported = trees
            .to_xgboost(&names)
            .map_err(|error| exit::data(error.to_string()))?;
        Ok(Exported {
            text: serde_json::to_string(&exported)? + "\n",
            notes: notes(model),
            columns: { columns.into_iter().zip(names) }
                .map(|(column, name)| ExportedColumn {
                    name,
                    kind: match (column.is_category, column.means.is_empty()) {
                        (true, _) => "category",
                        (false, false) => "mean",
                        (false, true) => "number",
                    },
                    words: column.words.to_vec(),
                    means: column.means,
                })
                .collect(),
        })
    }
}

/// A name without the signs that XGBoost refuses.
fn plain(name: &str) -> String {
    name.replace(['[', ']', '<'], "_")
}

fn notes(model: &Model) -> Vec<String> {
    let mut notes = Vec::new();
    if *model.calibration() != Calibration::None {
        notes.push(format!(
            "XGBoost gives the trees' own probabilities, before the calibration of this model ({}); train with \
             -S tabular.model.calibrate=false for the same ones",
            model.calibration().method().name()
        ));
    }
    notes
}
