//! `cv` behind a server: the bytes of photos in, sharp or blurred out. A photo that cannot be read has its
//! reason in `error`; where none of a request can, the request is refused.

use std::cell::RefCell;

use anyhow::Result;

use super::scoring::Scorer;
use crate::serve::Serve;
use crate::serve::input::{Parameters, fault};
use crate::task::Loaded;
use crate::tasks::cv::Cv;
use models::cv::{Class, Scratch};
use scoring::cv::{Answer, Request};
use scoring::{Refusal, RefusalKind, Score};
use server::{
    Data, Datatype, Fault, InferRequest, InferResponse, Metadata, Model, Strings, Tensor,
    TensorSpec,
};

/// The input: the bytes of photo files.
const PHOTO: &str = "photo";
/// The parameter that has photos of too little content answered as blurred, at even odds and with the reason in
/// `warning`: the platform's variance of the Laplacian is zero there.
const JUDGE_ALL: &str = "judge_all";

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// A blur detector behind tensors.
struct Photos {
    scorer: Scorer,
    classes: Vec<String>,
    version: String,
    metadata: Metadata,
}

impl Serve for Cv {
    fn serve(loaded: Loaded<Self>) -> Result<Box<dyn Model>> {
        let metadata = Metadata {
            platform: "easylife_cv".to_owned(),
            inputs: vec![TensorSpec::column(PHOTO, Datatype::Bytes)],
            outputs: vec![
                TensorSpec::column("prediction", Datatype::Bytes),
                TensorSpec::column("probability", Datatype::Fp64),
                TensorSpec::column("score", Datatype::Fp64),
                TensorSpec::column("warning", Datatype::Bytes),
                TensorSpec::column("error", Datatype::Bytes),
                TensorSpec {
                    optional: true,
                    ..TensorSpec::column("class", Datatype::Int64)
                },
            ],
        };
        Ok(Box::new(Photos {
            scorer: Scorer::new(loaded.model),
            classes: Class::names(),
            version: loaded.digest,
            metadata,
        }))
    }
}

impl Model for Photos {
    fn version(&self) -> &str {
        &self.version
    }

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    /// A photo takes milliseconds.
    fn is_heavy(&self) -> bool {
        true
    }

    fn infer(&self, request: &InferRequest) -> Result<InferResponse, Fault> {
        let judges_all = Parameters::of(request, &[JUDGE_ALL])?.flag(JUDGE_ALL)?;
        let photos = request.input(PHOTO).and_then(Tensor::strings);
        let photos = photos.ok_or_else(|| Fault::missing("input `photo` is missing"))?;
        let requests: Vec<Request<'_>> = photos.iter().map(|photo| Request { photo }).collect();
        let mut answers = SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
            Ok(mut scratch) => self.scorer.score(&requests, &mut scratch),
            Err(_) => self.scorer.score(&requests, &mut Scratch::default()),
        });
        if judges_all {
            answers.iter_mut().for_each(judge);
        }
        match answers.iter().find_map(|answer| answer.as_ref().err()) {
            Some(refusal) if answers.iter().all(Result::is_err) => {
                let about = match answers.len() {
                    1 => "the photo".to_owned(),
                    photos => format!("none of {photos} photos can be read; the first"),
                };
                Err(fault(refusal, &about))
            }
            _ => Ok(response(request, &answers)),
        }
    }
}

/// Takes a photo that says too little for blurred.
fn judge(answer: &mut Result<Answer, Refusal>) {
    if let Err(Refusal {
        kind: RefusalKind::Undecidable,
        reason,
    }) = answer
    {
        *answer = Ok(Answer {
            class: Class::Blurred.index(),
            label: Class::Blurred.as_str(),
            probability: 0.5,
            score: 0.0,
            warning: Some(std::mem::take(reason)),
        });
    }
}

fn response(request: &InferRequest, answers: &[Result<Answer, Refusal>]) -> InferResponse {
    let texts = |of: fn(&Answer) -> &str| -> Data {
        let cell = |answer: &Result<Answer, Refusal>| {
            answer
                .as_ref()
                .map_or_else(|_| String::new(), |answer| of(answer).to_owned())
        };
        Data::Bytes(answers.iter().map(cell).collect::<Strings>())
    };
    let numbers = |of: fn(&Answer) -> f64| -> Data {
        let cell = |answer: &Result<Answer, Refusal>| answer.as_ref().map_or(f64::NAN, of);
        Data::Fp64(answers.iter().map(cell).collect())
    };
    let errors = answers.iter().map(|answer| {
        answer
            .as_ref()
            .err()
            .map_or("", |refusal| refusal.reason.as_str())
    });
    let mut outputs = vec![
        Tensor::column("prediction", texts(|answer| answer.label)),
        Tensor::column("probability", numbers(|answer| answer.probability)),
        Tensor::column("score", numbers(|answer| answer.score)),
        Tensor::column(
            "warning",
            texts(|answer| answer.warning.as_deref().unwrap_or("")),
        ),
        Tensor::column("error", Data::Bytes(errors.collect())),
    ];
    if request.wants("class") {
        let class = |answer: &Result<Answer, Refusal>| {
            answer.as_ref().map_or(-1, |answer| answer.class as i64)
        };
        let classes = answers.iter().map(class).collect();
        outputs.push(Tensor::column("class", Data::Int64(classes)));
    }
    InferResponse { outputs }
}
