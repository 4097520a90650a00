//! How fast the text classifier is by itself: tokenizing and scoring, one thread.

use divan::counter::{BytesCount, ItemsCount};
use easylife::data::sample::Reviews;
use easylife::models::nlp::{Model, Options, Scratch};

fn main() {
    divan::main();
}

fn reviews(rows: u64) -> (Vec<String>, Vec<u32>) {
    let reviews = Reviews {
        rows,
        ..Reviews::default()
    };
    reviews
        .iter()
        .map(|review| (review.text, u32::from(review.label == "positive")))
        .unzip()
}

fn fit(texts: &[String], labels: &[u32]) -> Model {
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let classes = ["negative", "positive"].map(str::to_owned).to_vec();
    match Options::default().fit(&texts, labels, classes, &|_| ()) {
        Ok((model, _)) => model,
        Err(error) => panic!("the sample cannot be fitted: {error}"),
    }
}

#[divan::bench(sample_count = 10)]
fn train_4000_reviews(bencher: divan::Bencher) {
    let (texts, labels) = reviews(4000);
    bencher
        .counter(ItemsCount::new(texts.len()))
        .bench(|| fit(&texts, &labels));
}

#[divan::bench(sample_count = 20)]
fn score_20000_reviews(bencher: divan::Bencher) {
    let (texts, labels) = reviews(4000);
    let model = fit(&texts, &labels);
    let (texts, _) = reviews(20_000);
    let bytes: usize = texts.iter().map(String::len).sum();
    let (mut scratch, mut out) = (Scratch::new(), [0.0; 2]);
    bencher.counter(BytesCount::new(bytes)).bench_local(|| {
        for text in &texts {
            model.probabilities(text, &mut scratch, &mut out);
        }
        out
    });
}
