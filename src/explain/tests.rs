//! What every explanation does, whatever the task.

use std::cell::RefCell;

use super::*;
use crate::task::toy::{Mean, Toy, ToyProject};
use models::state::Stateful;

impl Explain for Toy {
    fn explainer<'a>(
        _: Option<&'a Project>,
        model: &'a Mean,
        _: &'a Header<String>,
        how: &How,
    ) -> Result<Explainer<'a>> {
        let top = how.top;
        Ok(Box::new(move |input: &str| {
            anyhow::ensure!(input != "bad", "`bad` cannot be explained");
            Ok(Box::new(format!("{input}: {} by {top}", model.0)))
        }))
    }

    fn picture(_: &Mean, input: &str) -> Result<Option<Vec<u8>>> {
        Ok((!input.starts_with("plain")).then(|| format!("PNG of {input}").into_bytes()))
    }
}

/// A project with a model of the mean 3.
fn trained() -> ToyProject {
    let toy = ToyProject::prepared();
    let header = artifact::Header {
        task: "toy".to_owned(),
        provenance: artifact::Provenance {
            version: "1".to_owned(),
            seed: 1,
            training: artifact::DataDigest {
                sha256: "0".repeat(64),
                rows: 1,
            },
        },
        signature: artifact::Signature {
            inputs: Vec::new(),
            outputs: Vec::new(),
            classes: Vec::new(),
        },
        details: String::new(),
    };
    artifact::save(&toy.project.model("toy"), &header, Mean(3.0).into_state()).unwrap();
    toy
}

fn request(inputs: &[&str], pictures: Option<PathBuf>) -> Request {
    Request {
        inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
        model: None,
        how: How {
            top: 2,
            ..How::default()
        },
        pictures,
    }
}

/// What is shown for a request, and how it ends.
fn shown(toy: &ToyProject, request: &Request) -> (Vec<String>, Result<()>) {
    let shown = RefCell::new(Vec::new());
    let show = |outcome: &dyn Outcome| {
        shown.borrow_mut().push(outcome.to_string());
        Ok(())
    };
    let ended = run::<Toy>(Some(&toy.project), request, &show);
    (shown.into_inner(), ended)
}

#[test]
fn each_input_is_shown_at_once_and_in_order() {
    let toy = trained();
    let (texts, ended) = shown(&toy, &request(&["b", "a", "bad", "c"], None));
    assert_eq!(
        texts,
        ["b: 3 by 2", "a: 3 by 2"],
        "those before the error are shown"
    );
    assert_eq!(ended.unwrap_err().to_string(), "`bad` cannot be explained");
}

#[test]
fn pictures_are_named_like_their_inputs() {
    let toy = trained();
    let folder = toy.path().join("why");
    let asked = request(&["x/one.jpg", "two"], Some(folder));
    shown(&toy, &asked).1.unwrap();
    assert_eq!(toy.read("why/one.jpg.png"), "PNG of x/one.jpg");
    assert_eq!(toy.read("why/two.png"), "PNG of two");
}

#[test]
fn a_task_without_pictures_says_so() {
    let toy = trained();
    let asked = request(&["plain"], Some(toy.path().join("why")));
    let (texts, ended) = shown(&toy, &asked);
    let error = ended.unwrap_err();
    assert_eq!(error.to_string(), "toy has no pictures; remove --pictures");
    assert_eq!(exit::code(&error), exit::Exit::Usage);
    assert!(texts.is_empty());
}

#[test]
fn a_closed_stdout_stops_texts_but_not_pictures() {
    let toy = trained();
    let closed =
        |_: &dyn Outcome| -> Result<()> { Err(io::Error::from(io::ErrorKind::BrokenPipe).into()) };
    let run = |request: &Request| run::<Toy>(Some(&toy.project), request, &closed);
    let error = run(&request(&["a", "b"], None)).unwrap_err();
    assert!(exit::is_broken_pipe(&error));
    run(&request(&["a", "b"], Some(toy.path().join("why")))).unwrap();
    assert_eq!(toy.read("why/b.png"), "PNG of b");
}

#[test]
fn without_a_model_there_is_nothing_to_explain() {
    let toy = ToyProject::prepared();
    let error = shown(&toy, &request(&["a"], None)).1.unwrap_err();
    assert!(
        toy.message(&error).contains("models/toy.safetensors"),
        "{error:#}"
    );
}
