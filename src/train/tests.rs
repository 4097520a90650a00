//! What every training does, whatever the task.

use super::*;
use crate::task::toy::{Mean, Toy, ToyProject};
use artifact::{Field, FieldType};

const QUIET: Talk = Talk {
    verbosity: -1,
    color: false,
};

/// How far a fit is from zero.
#[derive(Debug, Serialize)]
pub struct Summary {
    seed: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "seed {}", self.seed)
    }
}

impl Train for Toy {
    type Fit = Summary;

    fn fit(_: &Self::Params, seed: u64, data: Vec<f64>, _: &Talk) -> Result<Fitted<Self>> {
        anyhow::ensure!(
            data.iter().all(|value| *value >= 0.0),
            "a value is negative"
        );
        Ok(Fitted {
            model: Mean(data.iter().sum::<f64>() / data.len() as f64),
            fit: Summary { seed },
            rows: data.len() as u64,
            signature: Signature {
                inputs: vec![Field::new("x", FieldType::Text)],
                outputs: vec![Field::new("y", FieldType::Float)],
                classes: Vec::new(),
            },
            details: "mean".to_owned(),
        })
    }
}

#[test]
fn the_file_records_what_it_was_trained_on() {
    let toy = ToyProject::prepared();
    let trained = run::<Toy>(&toy.project, &QUIET).unwrap();
    let file = toy.path().join("models/toy.safetensors");
    let bytes = std::fs::metadata(&file).unwrap().len();
    assert_eq!(
        trained.to_string(),
        format!("{}: 3 rows, seed 7, {bytes} bytes\n", file.display())
    );
    assert_eq!(serde_json::to_value(&trained).unwrap()["seed"], 7);
    let loaded = task::load_model::<Toy>(Some(&toy.project), None).unwrap();
    assert_eq!(loaded.model, Mean(3.0));
    assert_eq!(loaded.header.details, "mean");
    let Provenance {
        version,
        seed,
        training,
    } = loaded.header.provenance;
    assert_eq!(
        (&*version, seed, training.rows),
        (env!("CARGO_PKG_VERSION"), 7, 3)
    );
    assert_eq!(training.sha256, files::digest::bytes(b"y\n1\n2\n6\n"));
}

#[test]
fn the_same_data_give_the_same_bytes() {
    let train = || {
        let toy = ToyProject::prepared();
        run::<Toy>(&toy.project, &QUIET).unwrap();
        std::fs::read(toy.path().join("models/toy.safetensors")).unwrap()
    };
    assert_eq!(train(), train());
}

#[test]
fn a_failed_fit_leaves_the_former_model() {
    let toy = ToyProject::prepared();
    run::<Toy>(&toy.project, &QUIET).unwrap();
    let file = toy.path().join("models/toy.safetensors");
    let before = std::fs::read(&file).unwrap();
    std::fs::write(toy.path().join("data/processed/toy/train.csv"), "y\n-1\n").unwrap();
    let error = run::<Toy>(&toy.project, &QUIET).err().unwrap();
    assert_eq!(error.to_string(), "a value is negative");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    assert_eq!(
        std::fs::read_dir(toy.path().join("models"))
            .unwrap()
            .count(),
        1
    );
}

#[test]
fn data_that_are_not_prepared_are_asked_for() {
    let toy = ToyProject::of("{}", &[]);
    let error = run::<Toy>(&toy.project, &QUIET).err().unwrap();
    assert_eq!(
        toy.message(&error),
        "data/processed/toy/train.csv does not exist; create it with `easylife prepare toy`"
    );
}

#[test]
fn columns_follow_the_prepared_data_and_other_parts_are_refused() {
    let train = ("data/processed/toy/train.csv", "z\n4\n");
    let record = |test: &str| {
        format!(
            r#"{{"version": 1, "data": {{"source": "", "value": "z"}}, "split": {{"test": {test}}}}}"#
        )
    };
    let with = |record: &str| {
        let file = ("data/processed/toy/prepared.json", record);
        ToyProject::of("{data: {value: y}, split: {test: 0.5}}", &[train, file])
    };
    // params.yaml says y, the data have z.
    let toy = with(&record("0.5"));
    assert_eq!(run::<Toy>(&toy.project, &QUIET).unwrap().rows, 1);
    for (record, reason) in [
        (
            &*record("0.2"),
            "data/processed/toy was prepared with other parameters: toy.split.test was 0.2 and is now 0.5; \
             prepare the data again with `easylife prepare toy`, or use the earlier parameters: -S \
             toy.split.test=0.2",
        ),
        (
            r#"{"version": 2}"#,
            "data/processed/toy/prepared.json: has version 2, not 1; run `easylife prepare toy` again",
        ),
    ] {
        let toy = with(record);
        let error = run::<Toy>(&toy.project, &QUIET).err().unwrap();
        assert_eq!(toy.message(&error), reason);
    }
    let toy = with("{");
    let error = toy.message(&run::<Toy>(&toy.project, &QUIET).err().unwrap());
    assert!(
        error.contains("prepared.json: is damaged (") && error.ends_with("again"),
        "{error}"
    );
}

#[test]
fn an_invalid_parameter_is_shown_where_it_was_given() {
    let toy = ToyProject::of("{split: {test: 1.5}}", &[]);
    let error = toy.message(&run::<Toy>(&toy.project, &QUIET).err().unwrap());
    assert!(error.starts_with("params.yaml:3:"), "{error}");
    assert!(error.contains("must be below 1"), "{error}");
}

/// Its digests are right, so it is not damaged.
#[test]
fn a_model_without_a_tensor_was_trained_by_an_older_version() {
    let toy = ToyProject::prepared();
    run::<Toy>(&toy.project, &QUIET).unwrap();
    let file = toy.path().join("models/toy.safetensors");
    let header = artifact::load::<String>(&file, "toy").unwrap().header;
    artifact::save(&file, &header, Default::default()).unwrap();
    let error = task::load_model::<Toy>(Some(&toy.project), None)
        .err()
        .unwrap();
    let expected = "toy.safetensors was trained by an older version of easylife (tensor `mean` is missing); train it again \
        with `easylife train toy`";
    assert!(error.to_string().ends_with(expected), "{error}");
}

#[test]
fn a_model_of_another_kind_is_refused() {
    let toy = ToyProject::prepared();
    run::<Toy>(&toy.project, &QUIET).unwrap();
    let file = toy.path().join("models/toy.safetensors");
    let error = artifact::load::<String>(&file, "other")
        .unwrap_err()
        .to_string();
    assert!(error.contains("toy") && error.contains("other"), "{error}");
    let missing = task::load_model::<Toy>(None, None).err().unwrap();
    assert!(
        missing
            .to_string()
            .starts_with("no model: name one with -m"),
        "{missing}"
    );
}
