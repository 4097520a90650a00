//! `tabular` behind a server: an input for each column that the model predicts from, an output for each column that
//! `predict` adds; on request the probability of every class, and why.

use anyhow::Result;

use super::columns::Used;
use super::predict::spell;
use super::scoring::{Scorer, outputs};
use crate::serve::Serve;
use crate::serve::input::{Parameters, fault, numbers, texts};
use crate::task::Loaded;
use crate::tasks::tabular::Tabular;
use models::tabular::ColumnKind;
use scoring::Refusal;
use scoring::tabular::{Answer, Cell, Prediction, Request};
use server::{
    Data, Datatype, Fault, InferRequest, InferResponse, Metadata, Model, Strings, Tensor,
    TensorSpec,
};

/// The parameter of `reasons`: how many, at most.
const TOP: &str = "top_k";
const DEFAULT_TOP: usize = 5;
const LARGEST_TOP: usize = 100;
/// Reasons cost about as much as so many rows.
const ROWS_PER_REASON: usize = 16;

/// A model of a table behind tensors.
struct Rows {
    scorer: Scorer,
    /// Names of the outputs that every answer has.
    outputs: Vec<String>,
    version: String,
    metadata: Metadata,
}

impl Serve for Tabular {
    fn serve(loaded: Loaded<Self>) -> Result<Box<dyn Model>> {
        let details = &loaded.header.details;
        let names = outputs(loaded.model.target(), &details.model.intervals);
        let scorer = Scorer::new(loaded.model, details)?;
        let scorer = scorer.explaining(LARGEST_TOP);
        let classes = scorer.model().target().classes().len();
        let input = |used: &Used| TensorSpec {
            nullable: true,
            missing: details.spelling.missing.clone(),
            ..TensorSpec::column(&used.name, datatype(used.kind))
        };
        let output = |name: &String| match classes > 0 && name == "prediction" {
            true => TensorSpec::column(name, Datatype::Bytes),
            false => TensorSpec::column(name, Datatype::Fp64),
        };
        let mut specs: Vec<TensorSpec> = names.iter().map(output).collect();
        let matrix = |name: &str, datatype, columns| TensorSpec {
            shape: vec![-1, columns],
            optional: true,
            ..TensorSpec::column(name, datatype)
        };
        if classes > 0 {
            specs.push(TensorSpec {
                optional: true,
                ..TensorSpec::column("class", Datatype::Int64)
            });
            specs.push(matrix("probabilities", Datatype::Fp64, classes as i64));
        }
        specs.push(matrix("reasons", Datatype::Bytes, -1));
        let metadata = Metadata {
            platform: "easylife_tabular".to_owned(),
            inputs: scorer.columns().iter().map(input).collect(),
            outputs: specs,
        };
        Ok(Box::new(Rows {
            scorer,
            outputs: names,
            version: loaded.digest,
            metadata,
        }))
    }
}

/// Numbers are numbers; everything else is text, as in a table.
fn datatype(kind: ColumnKind) -> Datatype {
    match kind {
        ColumnKind::Number => Datatype::Fp64,
        ColumnKind::Boolean | ColumnKind::Category | ColumnKind::Time | ColumnKind::Text => {
            Datatype::Bytes
        }
    }
}

impl Model for Rows {
    fn version(&self) -> &str {
        &self.version
    }

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn classes(&self) -> &[String] {
        self.scorer.model().target().classes()
    }

    fn rows(&self, request: &InferRequest) -> usize {
        match request.wants("reasons") {
            true => request.rows().saturating_mul(ROWS_PER_REASON),
            false => request.rows(),
        }
    }

    fn infer(&self, request: &InferRequest) -> Result<InferResponse, Fault> {
        let parameters = Parameters::of(request, &[TOP])?;
        let top = parameters.count(TOP, LARGEST_TOP)?;
        let explains = request.wants("reasons");
        if top.is_some() && !explains {
            return Err(Fault::invalid(format!(
                "parameter `{TOP}` is for the output `reasons`; ask for it by name"
            )));
        }
        let requests = self.requests(request)?;
        let answers = self
            .scorer
            .score_with(&requests, if explains { LARGEST_TOP } else { 0 });
        let answers = answers.into_iter().enumerate().map(|(row, answer)| {
            answer.map_err(|refusal: Refusal| fault(&refusal, &format!("row {}", row + 1)))
        });
        let answers: Vec<Answer<'_>> = answers.collect::<Result<_, _>>()?;
        let mut outputs = self.columns(&answers);
        if request.wants("class") {
            outputs.push(Tensor::column("class", Data::Int64(classes_of(&answers))));
        }
        if request.wants("probabilities") {
            outputs.push(Tensor {
                name: "probabilities".to_owned(),
                shape: vec![answers.len(), self.classes().len()],
                data: Data::Fp64(answers.iter().flat_map(probabilities_of).copied().collect()),
            });
        }
        if explains {
            outputs.push(reasons(&answers, top.unwrap_or(DEFAULT_TOP)));
        }
        Ok(InferResponse { outputs })
    }
}

impl Rows {
    /// The rows of a request.
    fn requests<'r>(&self, request: &'r InferRequest) -> Result<Vec<Request<'r>>, Fault> {
        let rows = request.rows();
        let mut requests: Vec<Request<'r>> = (0..rows)
            .map(|_| Request {
                cells: Vec::with_capacity(self.scorer.columns().len()),
            })
            .collect();
        for Used { name, kind, .. } in self.scorer.columns() {
            let missing = || Fault::missing(format!("input `{name}` is missing"));
            let cells: Vec<Cell<'r>> = match datatype(*kind) {
                Datatype::Fp64 => {
                    let numbers = numbers(request, name).ok_or_else(missing)?;
                    numbers.iter().map(|&number| Cell::Number(number)).collect()
                }
                _ => {
                    let texts = texts(request, name)?.ok_or_else(missing)?;
                    let cell = |text: &'r str| match text.is_empty() {
                        true => Cell::Missing,
                        false => Cell::Text(text),
                    };
                    texts.into_iter().map(cell).collect()
                }
            };
            if cells.len() != rows {
                return Err(Fault::invalid(format!(
                    "input `{name}` has {} values for {rows} rows",
                    cells.len()
                )));
            }
            let pairs = requests.iter_mut().zip(cells);
            pairs.for_each(|(request, cell)| request.cells.push(cell));
        }
        Ok(requests)
    }

    /// The outputs that every answer has.
    fn columns(&self, answers: &[Answer<'_>]) -> Vec<Tensor> {
        if !self.classes().is_empty() {
            let labels: Strings = answers
                .iter()
                .map(|answer| match answer.prediction {
                    Prediction::Class { label, .. } => label,
                    _ => "",
                })
                .collect();
            let probability = |answer: &Answer<'_>| match answer.prediction {
                Prediction::Class { probability, .. } => probability,
                _ => f64::NAN,
            };
            return vec![
                Tensor::column("prediction", Data::Bytes(labels)),
                Tensor::column(
                    "probability",
                    Data::Fp64(answers.iter().map(probability).collect()),
                ),
            ];
        }
        let value = |answer: &Answer<'_>, place: usize| match &answer.prediction {
            Prediction::Quantiles(values) => values.get(place).copied(),
            Prediction::Number { value, intervals } => match place.checked_sub(1) {
                None => Some(*value),
                Some(end) => intervals.get(end / 2).map(|ends| ends[end % 2]),
            },
            Prediction::Class { .. } => None,
        };
        let column = |(place, name): (usize, &String)| {
            let values = answers
                .iter()
                .map(|answer| value(answer, place).unwrap_or(f64::NAN));
            Tensor::column(name, Data::Fp64(values.collect()))
        };
        self.outputs.iter().enumerate().map(column).collect()
    }
}

fn classes_of(answers: &[Answer<'_>]) -> Vec<i64> {
    let class = |answer: &Answer<'_>| match answer.prediction {
        Prediction::Class { class, .. } => class as i64,
        _ => 0,
    };
    answers.iter().map(class).collect()
}

fn probabilities_of<'a>(answer: &'a Answer<'_>) -> &'a [f64] {
    match &answer.prediction {
        Prediction::Class { probabilities, .. } => probabilities,
        _ => &[],
    }
}

/// The strongest reasons of each row, as `predict` writes them; rows with fewer are filled with empty ones.
fn reasons(answers: &[Answer<'_>], top: usize) -> Tensor {
    let rows: Vec<Vec<String>> = answers
        .iter()
        .map(|answer| answer.reasons.iter().take(top).map(spell).collect())
        .collect();
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut strings = Strings::default();
    for row in &rows {
        for place in 0..width {
            strings.push(row.get(place).map_or("", String::as_str).as_bytes());
        }
    }
    Tensor {
        name: "reasons".to_owned(),
        shape: vec![rows.len(), width],
        data: Data::Bytes(strings),
    }
}
