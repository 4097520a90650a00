//! How fast the text classifier is by itself: counting, fitting and scoring. One thread by
//! RAYON_NUM_THREADS=1.

use divan::counter::{BytesCount, ItemsCount};
use easylife::tasks::nlp::sample::Reviews;
use models::nlp::{ClassifierOptions, Features, Model, Scratch};

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
    match ClassifierOptions::default().fit(texts, labels, classes, &|_| ()) {
        Ok((model, _)) => model,
        Err(error) => panic!("the sample cannot be fitted: {error}"),
    }
}

fn count(bencher: divan::Bencher, texts: &[String]) {
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let bytes: usize = texts.iter().map(|text| text.len()).sum();
    let features = Features {
        min_df: 2,
        ..Features::default()
    };
    bencher
        .counter(BytesCount::new(bytes))
        .bench(|| features.count(&texts));
}

/// Tokenizing and counting words and pairs, from texts in memory to weighted vocabulary.
#[divan::bench(sample_count = 20)]
fn count_20000_reviews(bencher: divan::Bencher) {
    let (texts, _) = reviews(20_000);
    count(bencher, &texts);
}

/// The same on the corpus of tools/zipf-corpus, whose folder EASYLIFE_CORPUS names.
#[divan::bench(sample_count = 5)]
fn count_corpus(bencher: divan::Bencher) {
    let Some(folder) = std::env::var_os("EASYLIFE_CORPUS") else {
        return;
    };
    let path = std::path::Path::new(&folder).join("train.csv");
    let texts: Vec<String> = match csv::Reader::from_path(&path) {
        Ok(mut rows) => rows
            .records()
            .flatten()
            .map(|row| row[0].to_owned())
            .collect(),
        Err(error) => panic!("{}: {error}", path.display()),
    };
    count(bencher, &texts);
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
