//! What a scorer costs by itself: CPU microseconds of one request in memory, for the figures of `make bench-serve`.
//!
//! usage: score_time PROJECT TEXT PHOTO
//!
//! PROJECT has trained models of all tasks. Prints a line of JSON: the median of eleven runs for each task, of a
//! text, a photo file, a forecast of 14 steps, and a list of ten items.

use std::path::Path;
use std::time::Instant;

use easylife::task::{self, Task};
use easylife::tasks::{cv, nlp, recsys, ts};
use scoring::Score;

fn model<T: Task>(project: &Path) -> anyhow::Result<task::Loaded<T>> {
    let path = project.join(format!("models/{}.safetensors", T::NAME));
    match path.exists() {
        true => task::load_file::<T>(&path),
        false => task::load_model::<T>(None, None),
    }
}

/// Microseconds of one call, the median of runs of so many calls.
fn micros(calls: usize, mut call: impl FnMut()) -> f64 {
    let mut runs: Vec<f64> = (0..11)
        .map(|_| {
            let start = Instant::now();
            (0..calls).for_each(|_| call());
            start.elapsed().as_secs_f64() * 1e6 / calls as f64
        })
        .collect();
    runs.sort_by(f64::total_cmp);
    runs[runs.len() / 2]
}

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let mut word = || {
        words
            .next()
            .ok_or_else(|| anyhow::anyhow!("usage: score_time PROJECT TEXT PHOTO"))
    };
    let (project, text, photo) = (word()?, word()?, word()?);
    let (project, photo) = (Path::new(&project), std::fs::read(photo)?);

    let scorer = nlp::scoring::Scorer::new(model::<nlp::Nlp>(project)?.model);
    let mut scratch = Default::default();
    let request = scoring::nlp::Request { text: Some(&text) };
    let of_text = micros(2_000, || drop(scorer.score(&[request], &mut scratch)));

    let scorer = cv::scoring::Scorer::new(model::<cv::Cv>(project)?.model);
    let mut scratch = Default::default();
    let request = scoring::cv::Request { photo: &photo };
    let of_photo = micros(20, || drop(scorer.score(&[request], &mut scratch)));

    let loaded = model::<ts::Ts>(project)?;
    let scorer = ts::scoring::Scorer::new(loaded.model, &loaded.header.details.data)?;
    let series = scorer.ids()[0].clone();
    let request = scoring::ts::Request {
        series: &series,
        newer: scoring::ts::Newer::Nothing,
        horizon: Some(14),
        levels: &[95.0],
    };
    let of_series = micros(2_000, || drop(scorer.score(&[request], &mut ())));

    let loaded = model::<recsys::Recsys>(project)?;
    let user = loaded.model.users().next().cloned().unwrap_or_default();
    let scorer = recsys::scoring::Scorer::new(loaded.model, Vec::new());
    let list = scoring::recsys::List::User {
        id: &user,
        newer: &[],
        allowed: None,
        denied: &[],
    };
    let request = scoring::recsys::Request { list, k: 10 };
    let of_list = micros(200, || drop(scorer.score(&[request], &mut ())));

    let figures = serde_json::json!({"nlp": of_text, "cv": of_photo, "ts": of_series, "recsys": of_list, "user": user});
    println!("{figures}");
    Ok(())
}
