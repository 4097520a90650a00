//! Answers from memory have the bits of the batch: each task's scorer, beside `easylife predict` on the
//! same records.

mod support;

use easylife::task::{self, Task};
use easylife::tasks::{cv, nlp, recsys, ts};
use scoring::{RefusalKind, Score};
use support::Workdir;

/// The cells of a CSV file by column name, a map a row.
fn rows(dir: &Workdir, name: &str) -> Vec<std::collections::HashMap<String, String>> {
    let text = dir.read(name);
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .unwrap()
}

/// The model of `T` that was trained in `dir`.
fn model<T: Task>(dir: &Workdir) -> task::Loaded<T> {
    let path = dir.path(format!("models/{}.safetensors", T::NAME));
    task::load_file::<T>(&path).unwrap()
}

/// A project with a small sample, prepared and trained.
fn trained(task: &str, sets: &[&str]) -> Workdir {
    let dir = Workdir::project();
    for verb in ["sample", "prepare", "train"] {
        dir.ok(&[&[verb, task][..], sets].concat());
    }
    dir
}

#[test]
fn texts_from_memory_have_the_bits_of_the_batch() {
    let dir = trained("nlp", &["-S", "nlp.sample.rows=600"]);
    dir.ok(&[
        "predict",
        "nlp",
        "-i",
        "data/raw/nlp/incoming.csv",
        "-o",
        "out.csv",
        "--all-classes",
    ]);
    let scorer = nlp::scoring::Scorer::new(model::<nlp::Nlp>(&dir).model);
    let batch = rows(&dir, "out.csv");
    let requests: Vec<_> = batch
        .iter()
        .map(|row| scoring::nlp::Request {
            text: Some(&row["text"]),
        })
        .collect();
    let answers = scorer.score(&requests, &mut Default::default());
    assert_eq!(answers.len(), 500);
    for (row, answer) in batch.iter().zip(&answers) {
        let answer = answer.as_ref().unwrap();
        assert_eq!(row["prediction"], answer.label);
        assert_eq!(scorer.classes()[answer.class], answer.label);
        assert_eq!(row["probability"], answer.probability.to_string());
        for (class, probability) in scorer.classes().iter().zip(&answer.probabilities) {
            assert_eq!(row[class], probability.to_string());
        }
    }
    // One by one, and beside a request that is refused, nothing changes.
    let mixed = [
        scoring::nlp::Request { text: None },
        requests[7],
        scoring::nlp::Request { text: Some("") },
    ];
    let mixed = scorer.score(&mixed, &mut Default::default());
    assert_eq!(mixed[0].as_ref().unwrap_err().kind, RefusalKind::Missing);
    assert_eq!(mixed[1], answers[7]);
    assert!(mixed[2].is_ok());
}

#[test]
fn photos_from_memory_have_the_bits_of_the_batch() {
    let sets = ["-S", "cv.sample.scenes=12", "-S", "cv.sample.incoming=6"];
    let dir = trained("cv", &sets);
    let folder = "data/raw/cv/incoming";
    dir.write(&format!("{folder}/broken.jpg"), b"not a photo");
    let predict = ["predict", "cv", "-i", folder, "-o", "out.csv"];
    assert_eq!(dir.run(&predict).code, 7);
    let scorer = cv::scoring::Scorer::new(model::<cv::Cv>(&dir).model);
    let batch = rows(&dir, "out.csv");
    assert_eq!(batch.len(), 7);
    let mut scratch = Default::default();
    for row in &batch {
        let photo = dir.bytes(&row["path"]);
        let request = scoring::cv::Request { photo: &photo };
        match scorer.score(&[request], &mut scratch).remove(0) {
            Ok(answer) => {
                assert_eq!(row["prediction"], answer.label);
                assert_eq!(row["probability"], answer.probability.to_string());
                assert_eq!(row["score"], answer.score.to_string());
                assert_eq!(row["error"], "");
            }
            Err(refusal) => {
                assert!(row["path"].ends_with("broken.jpg"));
                assert_eq!(row["error"], refusal.reason);
                assert_eq!(refusal.kind, RefusalKind::Invalid);
            }
        }
    }
}

#[test]
fn forecasts_from_memory_have_the_bits_of_the_batch() {
    let sets = ["-S", "ts.sample.series=3", "-S", "ts.sample.days=200"];
    let dir = trained("ts", &sets);
    let incoming = "data/raw/ts/incoming.csv";
    let options = ["--horizon", "5", "--level", "90"];
    let predict = ["predict", "ts", "-i", incoming, "-o", "out.csv"];
    dir.ok(&[&predict[..], &options].concat());
    let loaded = model::<ts::Ts>(&dir);
    let scorer = ts::scoring::Scorer::new(loaded.model, &loaded.header.details.data).unwrap();
    let observed = rows(&dir, incoming);
    let batch = rows(&dir, "out.csv");
    assert_eq!(batch.len(), 3 * 5);
    for (series, steps) in scorer.ids().iter().zip(batch.chunks(5)) {
        let newer: Vec<scoring::ts::Observation<'_>> = observed
            .iter()
            .filter(|row| row["unique_id"] == *series)
            .map(|row| scoring::ts::Observation {
                time: &row["ds"],
                value: row["y"].parse().unwrap_or(f64::NAN),
            })
            .collect();
        let request = scoring::ts::Request {
            series,
            newer: scoring::ts::Newer::Observations(&newer),
            horizon: Some(5),
            levels: &[90.0],
        };
        let answer = scorer.score(&[request], &mut ()).remove(0).unwrap();
        assert_eq!(answer.fallback, None);
        for (step, row) in steps.iter().enumerate() {
            assert_eq!(row["unique_id"], answer.series);
            assert_eq!(Some(&row["ds"]), answer.times[step].as_ref());
            assert_eq!(row["mean"], answer.mean[step].to_string());
            let (lower, upper) = &answer.bounds[0];
            assert_eq!(row["lo-90"], lower[step].to_string());
            assert_eq!(row["hi-90"], upper[step].to_string());
        }
    }
    // What cannot be used falls back, in words; an unknown series is refused.
    let bad = [scoring::ts::Observation {
        time: "tomorrow",
        value: 1.0,
    }];
    let mut request = scoring::ts::Request {
        series: &scorer.ids()[0],
        newer: scoring::ts::Newer::Observations(&bad),
        horizon: None,
        levels: &[],
    };
    let answer = scorer.score(&[request], &mut ()).remove(0).unwrap();
    assert!(answer.fallback.unwrap().contains("tomorrow"));
    request.series = "unheard of";
    let refusal = scorer.score(&[request], &mut ()).remove(0).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Unknown);
}

#[test]
fn lists_from_memory_have_the_bits_of_the_batch() {
    let sets = [
        "-S",
        "recsys.sample.users=80",
        "-S",
        "recsys.sample.items=60",
    ];
    let dir = trained("recsys", &sets);
    dir.ok(&[
        "predict",
        "recsys",
        "--users",
        "all",
        "--k",
        "4",
        "-o",
        "users.csv",
    ]);
    dir.ok(&[
        "predict",
        "recsys",
        "--similar",
        "all",
        "--k",
        "3",
        "-o",
        "items.csv",
    ]);
    let scorer = recsys::scoring::Scorer::new(model::<recsys::Recsys>(&dir).model, Vec::new());
    for (file, of, listed, k) in [
        ("users.csv", "user_id", "item_id", 4),
        ("items.csv", "item_id", "similar_id", 3),
    ] {
        let batch = rows(&dir, file);
        let lists: Vec<_> = batch.chunk_by(|a, b| a[of] == b[of]).collect();
        assert!(lists.len() > 50);
        // All at once, and by itself.
        let request = |id| scoring::recsys::Request {
            list: match of {
                "user_id" => scoring::recsys::List::User {
                    id,
                    newer: &[],
                    allowed: None,
                    denied: &[],
                },
                _ => scoring::recsys::List::Similar { id },
            },
            k,
        };
        let requests: Vec<_> = lists.iter().map(|rows| request(&rows[0][of])).collect();
        let together = scorer.score(&requests, &mut ());
        for ((rows, answer), one) in lists.iter().zip(&together).zip(&requests) {
            let answer = answer.as_ref().unwrap();
            assert_eq!(scorer.score(&[*one], &mut ())[0].as_ref().unwrap(), answer);
            assert_eq!(rows.len(), answer.len());
            for (row, ranked) in rows.iter().zip(answer) {
                assert_eq!(row[listed], ranked.item);
                assert_eq!(row["score"], ranked.score.to_string());
            }
        }
        let unknown = scorer.score(&[request("unheard of"), request("")], &mut ());
        assert_eq!(unknown[1].as_ref().unwrap_err().kind, RefusalKind::Missing);
        match of {
            "user_id" => assert_eq!(unknown[0].as_ref().unwrap().len(), k, "popular items"),
            _ => assert_eq!(unknown[0].as_ref().unwrap_err().kind, RefusalKind::Unknown),
        }
    }
}

/// `predict nlp --horizon 7` was accepted, and the option ignored.
#[test]
fn options_of_another_task_are_refused() {
    let dir = Workdir::trained();
    let predict = [
        "predict",
        "nlp",
        "-i",
        "data/raw/nlp/incoming.csv",
        "-o",
        "out.csv",
    ];
    for (options, words) in [
        (
            &["--horizon", "7"][..],
            "--horizon is not an option of `predict nlp`; its own options are --all-classes",
        ),
        (
            &["--k", "3", "--all-classes", "--level", "80"],
            "--level, --k are not options of `predict nlp`",
        ),
        (&["--only", "items.csv"], "--only is not an option"),
    ] {
        let message = dir.fails(2, &[&predict[..], options].concat());
        assert!(message.contains(words), "{message}");
        assert!(!dir.exists("out.csv"));
    }
    let message = dir.fails(
        2,
        &["predict", "cv", "-i", "x.jpg", "-o", "-", "--all-classes"],
    );
    assert!(
        message.contains("of `predict cv`; it has no options of its own"),
        "{message}"
    );
}
