//! `nlp` behind a server: texts in, classes out; on request the probability of every class, and why.

use std::cell::RefCell;

use anyhow::Result;

use super::scoring::Scorer;
use crate::serve::Serve;
use crate::serve::input::{Parameters, fault, texts};
use crate::task::Loaded;
use crate::tasks::nlp::Nlp;
use models::nlp::Scratch;
use scoring::Score;
use scoring::nlp::{Answer, Request};
use server::{
    Data, Datatype, Fault, InferRequest, InferResponse, Metadata, Model, Strings, Tensor,
    TensorSpec,
};

/// The parameter of `ngram` and `contribution`: how many, at most.
const TOP: &str = "top_k";
const DEFAULT_TOP: usize = 5;
const LARGEST_TOP: usize = 1000;
/// Reasons cost about as much as so many texts.
const ROWS_PER_REASON: usize = 4;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// A text classifier behind tensors.
struct Texts {
    scorer: Scorer,
    /// The name of the input.
    text: String,
    version: String,
    metadata: Metadata,
}

impl Serve for Nlp {
    fn serve(loaded: Loaded<Self>) -> Result<Box<dyn Model>> {
        let text = loaded.header.details.data.text;
        let scorer = Scorer::new(loaded.model);
        let classes = scorer.classes().len() as i64;
        let matrix = |name: &str, datatype, columns| TensorSpec {
            shape: vec![-1, columns],
            optional: true,
            ..TensorSpec::column(name, datatype)
        };
        let metadata = Metadata {
            platform: "easylife_nlp".to_owned(),
            inputs: vec![TensorSpec::column(&text, Datatype::Bytes)],
            outputs: vec![
                TensorSpec::column("prediction", Datatype::Bytes),
                TensorSpec::column("probability", Datatype::Fp64),
                TensorSpec {
                    optional: true,
                    ..TensorSpec::column("class", Datatype::Int64)
                },
                matrix("probabilities", Datatype::Fp64, classes),
                matrix("ngram", Datatype::Bytes, -1),
                matrix("contribution", Datatype::Fp64, -1),
            ],
        };
        Ok(Box::new(Texts {
            scorer,
            text,
            version: loaded.digest,
            metadata,
        }))
    }
}

impl Model for Texts {
    fn version(&self) -> &str {
        &self.version
    }

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn classes(&self) -> &[String] {
        self.scorer.classes()
    }

    /// Reasons take as long as some texts, and have a cell for each n-gram that is asked for.
    fn rows(&self, request: &InferRequest) -> usize {
        if !explains(request) {
            return request.rows();
        }
        let top = request
            .parameters
            .get(TOP)
            .and_then(serde_json::Value::as_u64);
        let top = top.map_or(DEFAULT_TOP, |top| top as usize).min(LARGEST_TOP);
        request.rows().saturating_mul(ROWS_PER_REASON + top / 8)
    }

    fn infer(&self, request: &InferRequest) -> Result<InferResponse, Fault> {
        let parameters = Parameters::of(request, &[TOP])?;
        let top = parameters.count(TOP, LARGEST_TOP)?;
        if top.is_some() && !explains(request) {
            return Err(Fault::invalid(format!(
                "parameter `{TOP}` is for the outputs `ngram` and `contribution`; ask for them by name"
            )));
        }
        let top = top.unwrap_or(DEFAULT_TOP);
        let texts = texts(request, &self.text)?
            .ok_or_else(|| Fault::missing(format!("input `{}` is missing", self.text)))?;
        let answers = self.answers(&texts)?;
        let labels: Strings = answers.iter().map(|answer| answer.label).collect();
        let probabilities = answers.iter().map(|answer| answer.probability).collect();
        let mut outputs = vec![
            Tensor::column("prediction", Data::Bytes(labels)),
            Tensor::column("probability", Data::Fp64(probabilities)),
        ];
        if request.wants("class") {
            let classes = answers.iter().map(|answer| answer.class as i64).collect();
            outputs.push(Tensor::column("class", Data::Int64(classes)));
        }
        if request.wants("probabilities") {
            let all = answers.iter().flat_map(|answer| &answer.probabilities);
            outputs.push(Tensor {
                name: "probabilities".to_owned(),
                shape: vec![answers.len(), self.scorer.classes().len()],
                data: Data::Fp64(all.copied().collect()),
            });
        }
        if explains(request) {
            outputs.extend(self.explain(&texts, top));
        }
        Ok(InferResponse { outputs })
    }
}

/// Whether a request asks for reasons.
fn explains(request: &InferRequest) -> bool {
    request.wants("ngram") || request.wants("contribution")
}

impl Texts {
    fn answers(&self, texts: &[&str]) -> Result<Vec<Answer<'_>>, Fault> {
        let requests: Vec<Request<'_>> = texts
            .iter()
            .map(|&text| Request { text: Some(text) })
            .collect();
        let answers = SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
            Ok(mut scratch) => self.scorer.score(&requests, &mut scratch),
            Err(_) => self.scorer.score(&requests, &mut Scratch::default()),
        });
        let answers = answers.into_iter().enumerate().map(|(row, answer)| {
            answer.map_err(|refusal| fault(&refusal, &format!("row {}", row + 1)))
        });
        answers.collect()
    }

    /// The n-grams that spoke most for the class of each text, the strongest first; rows with fewer are filled
    /// with empty names and zeros.
    fn explain(&self, texts: &[&str], top: usize) -> [Tensor; 2] {
        let rows: Vec<Vec<(String, f64)>> = texts
            .iter()
            .map(|text| self.scorer.reasons(text, top))
            .collect();
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        let (mut names, mut contributions) = (Strings::default(), Vec::new());
        for row in &rows {
            for column in 0..width {
                let (name, contribution) = row
                    .get(column)
                    .map_or(("", 0.0), |(name, value)| (name.as_str(), *value));
                names.push(name.as_bytes());
                contributions.push(contribution);
            }
        }
        let matrix = |name: &str, data| Tensor {
            name: name.to_owned(),
            shape: vec![rows.len(), width],
            data,
        };
        [
            matrix("ngram", Data::Bytes(names)),
            matrix("contribution", Data::Fp64(contributions)),
        ]
    }
}
