//! The routes of the Python platform that easylife replaces (EasyLife AI): those of its code, and those of its README
//! and load test where they do not clash. `label` is the class's number in the model's order, `label_name` its word.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde_json::{Value, json};
use server::dialect::{Call, Page, Step, Translated};
use server::metrics::head;
use server::models::Target;
use server::{Data, Fault, FaultKind, InferRequest, InferResponse, Tensor};

use super::fields::{Fields, detail, refusal};
use super::form;

/// The largest horizon, as the platform has it.
const LONGEST_HORIZON: i64 = 180;
const DEFAULT_HORIZON: i64 = 14;
/// The coverage of `confidence_interval`.
const LEVEL: f64 = 95.0;
/// The name that the platform gives its recommender; its clients compare it.
const RECSYS_VERSION: &str = "svd";
/// Upper bounds of the platform's histograms.
const HORIZONS: [u64; 7] = [1, 7, 14, 30, 60, 90, 180];
const LENGTHS: [u64; 6] = [1, 3, 5, 10, 20, 30];

/// What is counted, under the platform's names.
#[derive(Default)]
pub struct Counters(Arc<Counts>);

#[derive(Default)]
struct Counts {
    nlp: [AtomicU64; 2],
    /// Blurred, sharp.
    cv: [AtomicU64; 2],
    forecasts: AtomicU64,
    horizons: Histogram<7>,
    recommendations: AtomicU64,
    similar: AtomicU64,
    lengths: Histogram<6>,
}

struct Histogram<const N: usize> {
    buckets: [AtomicU64; N],
    more: AtomicU64,
    sum: AtomicU64,
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        Self {
            buckets: [const { AtomicU64::new(0) }; N],
            more: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }
    }
}

impl<const N: usize> Histogram<N> {
    fn observe(&self, bounds: &[u64; N], value: u64) {
        let bucket = bounds.partition_point(|bound| *bound < value);
        add(self.buckets.get(bucket).unwrap_or(&self.more));
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    fn write(&self, name: &str, help: &str, bounds: &[u64; N], out: &mut String) {
        head(out, name, "histogram", help);
        let mut count = 0;
        for (bound, bucket) in bounds.iter().zip(&self.buckets) {
            count += get(bucket);
            let _ = writeln!(out, "{name}_bucket{{le=\"{bound}.0\"}} {count}");
        }
        count += get(&self.more);
        let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {count}");
        let _ = writeln!(out, "{name}_sum {}\n{name}_count {count}", get(&self.sum));
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Counters {
    /// All of it as Prometheus' text.
    pub fn write(&self, out: &mut String) {
        let counts = &self.0;
        let labelled: [(&str, &str, [&str; 2], &[AtomicU64; 2]); 2] = [
            (
                "nlp_predictions_total",
                "Predictions of texts by label",
                ["0", "1"],
                &counts.nlp,
            ),
            (
                "cv_predictions_total",
                "Predictions of photos by label",
                ["blurred", "sharp"],
                &counts.cv,
            ),
        ];
        for (name, help, labels, counters) in labelled {
            head(out, name, "counter", help);
            for (label, counter) in labels.iter().zip(counters) {
                let _ = writeln!(out, "{name}{{label=\"{label}\"}} {}", get(counter));
            }
        }
        for (name, help, counter) in [
            (
                "ts_forecast_requests_total",
                "Requests for forecasts",
                &counts.forecasts,
            ),
            (
                "recsys_recommendation_requests_total",
                "Requests for recommendations",
                &counts.recommendations,
            ),
            (
                "recsys_similar_items_requests_total",
                "Requests for similar items",
                &counts.similar,
            ),
        ] {
            head(out, name, "counter", help);
            let _ = writeln!(out, "{name} {}", get(counter));
        }
        let horizon = "ts_forecast_horizon";
        counts
            .horizons
            .write(horizon, "Horizons asked for", &HORIZONS, out);
        let length = "recsys_topk_requested";
        counts
            .lengths
            .write(length, "Lengths of lists asked for", &LENGTHS, out);
    }
}

/// `POST /predict`: a text, or a photo where the body is a form or the listener is for photos.
pub fn predict(call: &Call<'_>, counters: &Counters) -> Result<Step, Fault> {
    let is_photo = match call.scope {
        Some(scope) => scope == "cv",
        None => form::is_form(call.content_type),
    };
    match is_photo {
        true => photo(call, counters, true),
        false => text(call, counters, false),
    }
}

/// `POST /predict_image`
pub fn predict_image(call: &Call<'_>, counters: &Counters) -> Result<Step, Fault> {
    photo(call, counters, false)
}

/// `POST /explain`
pub fn explain(call: &Call<'_>, counters: &Counters) -> Result<Step, Fault> {
    text(call, counters, true)
}

/// The model of a task, which must be served here.
fn served(call: &Call<'_>, task: &str) -> Result<Target, Fault> {
    match call.scope {
        Some(scope) if scope != task => Err(Fault::unknown("Not Found")),
        _ => call.models.target(task),
    }
}

/// The name of an input of a model by its position: inputs are named as columns of the training data.
fn input_name((_, model): &Target, position: usize) -> &str {
    &model.metadata().inputs[position].name
}

fn bytes(name: impl Into<String>, value: &[u8]) -> Tensor {
    Tensor::column(name, Data::Bytes([value].into_iter().collect()))
}

fn text(call: &Call<'_>, counters: &Counters, explains: bool) -> Result<Step, Fault> {
    let model = served(call, "nlp")?;
    let mut fields = match Fields::of_body(call.body) {
        Ok(fields) => fields,
        Err(refused) => return Ok(Step::Reply(refused)),
    };
    let text = fields.text("text", 1);
    let top = if explains {
        fields.count("top_k", 5, (1, 20))
    } else {
        0
    };
    if let Err(refused) = fields.end() {
        return Ok(Step::Reply(refused));
    }
    let mut outputs = vec!["prediction", "probability", "class"];
    let mut request = InferRequest {
        inputs: vec![bytes(input_name(&model, 0), text.as_bytes())],
        ..InferRequest::default()
    };
    if explains {
        outputs.extend(["ngram", "contribution"]);
        request.parameters.insert("top_k".to_owned(), top.into());
    }
    request.outputs = outputs.into_iter().map(str::to_owned).collect();
    let counts = Arc::clone(&counters.0);
    let write = move |response: &InferResponse| {
        let label = integer(response, "class")?;
        if let Some(counter) = counts.nlp.get(label as usize) {
            add(counter);
        }
        let word = word(response, "prediction", 0)?;
        let mut body = json!({
            "label": label,
            "confidence": number(response, "probability", 0)?,
            "label_name": word,
            "sentiment": word,
        });
        if explains {
            body["tokens"] = tokens(response)?;
        }
        Ok(body)
    };
    Ok(infer(model, request, write))
}

/// The n-grams that spoke for the class.
fn tokens(response: &InferResponse) -> Result<Value, Fault> {
    let contributions = numbers(response, "contribution")?;
    let token = |(place, contribution): (usize, &f64)| {
        Ok(json!({"token": word(response, "ngram", place)?, "contribution": contribution}))
    };
    // Rows of fewer n-grams than asked for are filled with zeros.
    let given = contributions
        .iter()
        .enumerate()
        .filter(|(_, value)| **value > 0.0);
    given
        .map(token)
        .collect::<Result<_, Fault>>()
        .map(Value::Array)
}

fn photo(call: &Call<'_>, counters: &Counters, says_more: bool) -> Result<Step, Fault> {
    let model = served(call, "cv")?;
    let content_type = call.content_type.unwrap_or("");
    let missing = || {
        Ok(Step::Reply(refusal(vec![detail(
            "missing",
            &["body", "file"],
            "Field required",
            &Value::Null,
        )])))
    };
    if !form::is_form(call.content_type) {
        return missing();
    }
    let parts = form::parts(content_type, call.body)?;
    // Of several the last one counts, as on the platform.
    let Some(file) = parts.iter().rfind(|part| part.name == "file") else {
        return missing();
    };
    if file.file.is_none() {
        let message = "Expected UploadFile, received: <class 'str'>";
        let mut wrong = detail(
            "value_error",
            &["body", "file"],
            &format!("Value error, {message}"),
            &String::from_utf8_lossy(&file.content[..file.content.len().min(1024)]).into(),
        );
        wrong["ctx"] = json!({"error": {}});
        return Ok(Step::Reply(refusal(vec![wrong])));
    }
    let outputs = ["prediction", "probability", "class", "warning"];
    let mut request = InferRequest {
        inputs: vec![bytes(input_name(&model, 0), file.content)],
        outputs: outputs.map(str::to_owned).to_vec(),
        ..InferRequest::default()
    };
    // The platform answers whatever it can decode.
    request
        .parameters
        .insert("judge_all".to_owned(), true.into());
    let counts = Arc::clone(&counters.0);
    let write = move |response: &InferResponse| {
        let label = integer(response, "class")?;
        if let Some(counter) = counts.cv.get(label as usize) {
            add(counter);
        }
        let confidence = number(response, "probability", 0)?;
        let sharp = if label == 1 {
            confidence
        } else {
            1.0 - confidence
        };
        let mut body = json!({
            "label": label,
            "label_name": word(response, "prediction", 0)?,
            "score": sharp,
            "confidence": confidence,
            "model_variant": "threshold",
        });
        let warning = word(response, "warning", 0)?;
        if !warning.is_empty() {
            body["warning"] = warning.into();
        }
        if says_more {
            body["blur_score"] = json!(sharp);
            body["is_blurred"] = json!(label == 0);
        }
        Ok(body)
    };
    Ok(infer(model, request, write))
}

/// `POST /forecast`, and `GET /forecast?horizon=`: of the model's first series, or of `series`.
pub fn forecast(call: &Call<'_>, counters: &Counters) -> Result<Step, Fault> {
    let model = served(call, "ts")?;
    let is_query = call.method != "POST";
    let mut fields = match fields(call, is_query)? {
        Ok(fields) => fields,
        Err(refused) => return Ok(Step::Reply(refused)),
    };
    let horizon = fields.count("horizon", DEFAULT_HORIZON, (1, LONGEST_HORIZON));
    let series = fields.optional_text("series");
    if let Err(refused) = fields.end() {
        return Ok(Step::Reply(refused));
    }
    let series = match series {
        Some(series) => series,
        None => {
            let first = model.1.records().first().cloned();
            first.ok_or_else(|| Fault::unknown("the model has no series"))?
        }
    };
    let mut request = InferRequest {
        inputs: vec![bytes(input_name(&model, 0), series.as_bytes())],
        ..InferRequest::default()
    };
    request
        .parameters
        .insert("horizon".to_owned(), horizon.into());
    request
        .parameters
        .insert("levels".to_owned(), json!([LEVEL]));
    let counts = Arc::clone(&counters.0);
    let write = move |response: &InferResponse| {
        add(&counts.forecasts);
        counts.horizons.observe(&HORIZONS, horizon as u64);
        let times = (0..horizon).map(|step| Ok(timestamp(&word(response, "ds", step)?)));
        let times: Vec<String> = times.collect::<Result<_, Fault>>()?;
        let values = numbers(response, "mean")?;
        let mut body = json!({"timestamps": times, "values": values, "series": series});
        let fallback = word(response, "fallback", 0)?;
        if !fallback.is_empty() {
            let warning = format!("this is the seasonal naive forecast, since {fallback}");
            body["warning"] = warning.into();
        }
        if is_query {
            body["forecast"] = json!(values);
            body["confidence_interval"] = json!({
                "level": LEVEL,
                "lower": numbers(response, &format!("lo-{LEVEL}"))?,
                "upper": numbers(response, &format!("hi-{LEVEL}"))?,
            });
        }
        Ok(body)
    };
    Ok(infer(model, request, write))
}

/// A date as the platform writes it: with a time.
fn timestamp(time: &str) -> String {
    let is_date = time.len() == 10
        && time.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    match is_date {
        true => format!("{time}T00:00:00"),
        false => time.replacen(' ', "T", 1),
    }
}

/// `POST /recommendations`, and `GET /recommend?user_id=&top_k=`
pub fn recommend(call: &Call<'_>, counters: &Counters) -> Result<Step, Fault> {
    let model = served(call, "recsys")?;
    let mut fields = match fields(call, call.method != "POST")? {
        Ok(fields) => fields,
        Err(refused) => return Ok(Step::Reply(refused)),
    };
    let user = fields.text("user_id", 0);
    let top = fields.count("top_k", 5, (1, 30));
    if let Err(refused) = fields.end() {
        return Ok(Step::Reply(refused));
    }
    let request = list(&model, 0, &user, top, "item_id");
    let counts = Arc::clone(&counters.0);
    let write = move |response: &InferResponse| {
        add(&counts.recommendations);
        counts.lengths.observe(&LENGTHS, top as u64);
        Ok(Recommendations {
            recommendations: records(response, "item_id")?,
            user_id: user,
        })
    };
    Ok(infer(model, request, write))
}

/// `GET /items/{item_id}/similar?top_k=`
pub fn similar_of(call: &Call<'_>, counters: &Counters) -> Result<Step, Fault> {
    let item = call.names.first().cloned().unwrap_or_default();
    let fields = Fields::of_query(form::pairs(call.query)?);
    like(call, counters, fields, Some(item))
}

/// `GET /similar?item_id=&top_k=`
pub fn similar(call: &Call<'_>, counters: &Counters) -> Result<Step, Fault> {
    let fields = Fields::of_query(form::pairs(call.query)?);
    like(call, counters, fields, None)
}

fn like(
    call: &Call<'_>,
    counters: &Counters,
    mut fields: Fields,
    item: Option<String>,
) -> Result<Step, Fault> {
    let model = served(call, "recsys")?;
    let item = item.unwrap_or_else(|| fields.text("item_id", 0));
    let top = fields.count("top_k", 5, (1, 30));
    if let Err(refused) = fields.end() {
        return Ok(Step::Reply(refused));
    }
    let request = list(&model, 2, &item, top, "similar_id");
    let counts = Arc::clone(&counters.0);
    let write = move |response: &InferResponse| {
        add(&counts.similar);
        counts.lengths.observe(&LENGTHS, top as u64);
        Ok(SimilarItems {
            similar_items: records(response, "similar_id")?,
            item_id: item,
        })
    };
    Ok(infer(model, request, write))
}

/// `GET /health`
pub fn health(call: &Call<'_>) -> Page {
    let mut body = json!({"status": "ok"});
    if call.scope == Some("recsys") {
        body["model_version"] = json!(RECSYS_VERSION);
    }
    Page::json(200, body.to_string())
}

fn fields(call: &Call<'_>, is_query: bool) -> Result<Result<Fields, Page>, Fault> {
    Ok(match is_query {
        true => Ok(Fields::of_query(form::pairs(call.query)?)),
        false => Fields::of_body(call.body),
    })
}

/// The request for a list of `top` items, for the id in the input at `position`.
fn list(model: &Target, position: usize, id: &str, top: usize, listed: &str) -> InferRequest {
    let mut request = InferRequest {
        inputs: vec![bytes(input_name(model, position), id.as_bytes())],
        outputs: [listed, "score", "title"].map(str::to_owned).to_vec(),
        ..InferRequest::default()
    };
    request.parameters.insert("k".to_owned(), top.into());
    request
}

#[derive(Serialize)]
struct Recommendations {
    user_id: String,
    recommendations: Vec<Record>,
}

#[derive(Serialize)]
struct SimilarItems {
    item_id: String,
    similar_items: Vec<Record>,
}

/// An entry of a list. What the model does not know of an item is null.
#[derive(Serialize)]
struct Record {
    item_id: String,
    score: f32,
    metadata: About,
}

#[derive(Serialize)]
struct About {
    name: String,
    genre: Option<String>,
    price: Option<f64>,
}

fn records(response: &InferResponse, listed: &str) -> Result<Vec<Record>, Fault> {
    let Data::Fp32(scores) = &output(response, "score")?.data else {
        return Err(absent("score"));
    };
    let record = |(place, score): (usize, &f32)| {
        Ok(Record {
            item_id: word(response, listed, place)?,
            score: *score,
            metadata: About {
                name: word(response, "title", place)?,
                genre: None,
                price: None,
            },
        })
    };
    scores.iter().enumerate().map(record).collect()
}

// ---- outputs of an answer --------------------------------------------------------------------------

fn absent(name: &str) -> Fault {
    Fault::new(
        FaultKind::Internal,
        format!("the model gave no output `{name}`"),
    )
}

fn output<'a>(response: &'a InferResponse, name: &str) -> Result<&'a Tensor, Fault> {
    let found = response.outputs.iter().find(|tensor| tensor.name == name);
    found.ok_or_else(|| absent(name))
}

fn word(response: &InferResponse, name: &str, place: usize) -> Result<String, Fault> {
    let strings = output(response, name)?.strings();
    let value = strings
        .and_then(|strings| strings.get(place))
        .ok_or_else(|| absent(name))?;
    Ok(String::from_utf8_lossy(value).into_owned())
}

fn numbers<'a>(response: &'a InferResponse, name: &str) -> Result<&'a [f64], Fault> {
    match &output(response, name)?.data {
        Data::Fp64(values) => Ok(values),
        _ => Err(absent(name)),
    }
}

fn number(response: &InferResponse, name: &str, place: usize) -> Result<f64, Fault> {
    numbers(response, name)?
        .get(place)
        .copied()
        .ok_or_else(|| absent(name))
}

fn integer(response: &InferResponse, name: &str) -> Result<i64, Fault> {
    match &output(response, name)?.data {
        Data::Int64(values) => values.first().copied().ok_or_else(|| absent(name)),
        _ => Err(absent(name)),
    }
}

fn infer<B: Serialize>(
    target: Target,
    request: InferRequest,
    write: impl FnOnce(&InferResponse) -> Result<B, Fault> + Send + 'static,
) -> Step {
    let write = |response: &InferResponse| {
        let body = serde_json::to_vec(&write(response)?);
        let failed = |_| Fault::new(FaultKind::Internal, "the answer could not be written");
        Ok(Page::json(200, body.map_err(failed)?))
    };
    Step::Infer(Translated {
        target,
        request,
        write: Box::new(move |_, _, response| write(response)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_get_a_time() {
        assert_eq!(timestamp("2024-01-31"), "2024-01-31T00:00:00");
        assert_eq!(timestamp("2024-01-31 12:30:00"), "2024-01-31T12:30:00");
        assert_eq!(timestamp("17"), "17");
        assert_eq!(timestamp("2024-01"), "2024-01");
    }

    #[test]
    fn histograms_are_cumulative() {
        let counters = Counters::default();
        for horizon in [1, 14, 15, 500] {
            counters.0.horizons.observe(&HORIZONS, horizon);
        }
        let mut text = String::new();
        counters.write(&mut text);
        for line in [
            "ts_forecast_horizon_bucket{le=\"1.0\"} 1",
            "ts_forecast_horizon_bucket{le=\"14.0\"} 2",
            "ts_forecast_horizon_bucket{le=\"30.0\"} 3",
            "ts_forecast_horizon_bucket{le=\"180.0\"} 3",
            "ts_forecast_horizon_bucket{le=\"+Inf\"} 4",
            "ts_forecast_horizon_sum 530",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}:\n{text}");
        }
    }
}
