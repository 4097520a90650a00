//! Training of `cv`.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use crate::exit;
use crate::talk::Talk;
use crate::tasks::cv::Cv;
use crate::tasks::cv::details::{Details, HeldOut};
use crate::tasks::cv::params::Params;
use crate::tasks::cv::predict::PATH;
use crate::train::{Fitted, Train};
use artifact::{Field, FieldType, Signature};
use models::cv::{self, Candidate, Class};
use models::metrics::bootstrap::Interval;
use models::metrics::bootstrap_roc::{Estimate, Groups};
use tables::Photos;

/// A summary of a fitted blur detector.
#[derive(Serialize)]
pub struct Fit {
    kind: cv::Kind,
    /// The results of each kind on held-out scenes.
    held_out: Vec<HeldOut>,
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.kind.as_str())?;
        for (index, kind) in self.held_out.iter().enumerate() {
            let before = if index == 0 {
                " (on held-out scenes: "
            } else {
                ", "
            };
            let area = kind.roc_auc.unwrap_or(f64::NAN);
            write!(f, "{before}{} ROC AUC {area:.4}", kind.kind.as_str())?;
            if let Some(Interval { low, high }) = kind.roc_auc_interval {
                write!(f, " [{low:.4}, {high:.4}]")?;
            }
        }
        f.write_str(")")
    }
}

impl Train for Cv {
    type Fit = Fit;

    fn fit(params: &Params, seed: u64, data: Photos<Class>, talk: &Talk) -> Result<Fitted<Self>> {
        let features = data.features();
        let sharp: Vec<bool> = data.classes.iter().map(|class| class.is_sharp()).collect();
        let photos = cv::Photos {
            features: &features,
            sharp: &sharp,
            scenes: &data.scenes,
            sizes: &data.sizes,
        };
        let options = cv::DetectorOptions {
            seed,
            ..params.options.clone()
        };
        let fit = options
            .fit(&photos)
            .map_err(|error| exit::data(format!("cv: {error}")))?;
        if !fit.converged {
            talk.warn("the solver stopped early; remove large values from cv.model.C");
        }
        let groups = Groups {
            positive: &sharp,
            groups: &data.scenes,
            seed,
        };
        let chosen = (fit.candidates.iter()).find(|candidate| candidate.kind == fit.model.kind());
        let held_out: Vec<HeldOut> = fit
            .candidates
            .iter()
            .map(|candidate| held_out_figures(candidate, chosen, &groups))
            .collect();
        let details = Details {
            model: params.model.clone(),
            held_out: held_out.clone(),
            sizes: fit.model.sizes(),
        };
        Ok(Fitted {
            fit: Fit {
                kind: fit.model.kind(),
                held_out,
            },
            rows: data.classes.len() as u64,
            signature: signature(),
            details,
            model: fit.model,
        })
    }
}

/// The results of `candidate` on the scenes held out from its fits.
fn held_out_figures(candidate: &Candidate, chosen: Option<&Candidate>, groups: &Groups) -> HeldOut {
    let area = groups.roc_auc(&candidate.held_out);
    let others = chosen.filter(|chosen| chosen.kind != candidate.kind);
    HeldOut {
        kind: candidate.kind,
        c: candidate.regularization,
        log_loss: candidate.log_loss,
        accuracy: candidate.accuracy,
        roc_auc: area.map(|area| area.value),
        roc_auc_interval: area.map(|Estimate { low, high, .. }| Interval { low, high }),
        behind_chosen: others
            .and_then(|chosen| groups.difference(&chosen.held_out, &candidate.held_out)),
    }
}

/// A photo in, its class out.
fn signature() -> Signature {
    Signature {
        inputs: vec![Field::new(PATH, FieldType::Image)],
        outputs: vec![
            Field::new("prediction", FieldType::Text),
            Field::new("probability", FieldType::Float),
            Field::new("score", FieldType::Float),
            Field::optional("warning", FieldType::Text),
            Field::optional("error", FieldType::Text),
        ],
        classes: Class::names(),
    }
}
