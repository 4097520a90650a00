//! What the fuzzer found and starts from, through the bodies of its targets (`fuzzed`), and what is known of
//! the files that people made.

mod fuzzed;

use std::path::Path;

use easylife::pipeline::validate::Schema;
use images::Decoder;

/// Files of a corpus by name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<(String, Vec<u8>)> = entries
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    assert!(files.len() >= 10, "{target}: {} files", files.len());
    files
}

/// Files of a corpus that people made; the fuzzer names its own by their SHA-1, without an extension.
fn named(target: &str) -> impl Iterator<Item = (String, Vec<u8>)> {
    corpus(target)
        .into_iter()
        .filter(|(name, _)| name.contains('.'))
}

/// Runs the body of a target on its corpus; the name of the file that breaks a law is in the output.
fn hold(target: &str, law: impl Fn(&[u8])) {
    for (name, bytes) in corpus(target) {
        println!("{target}/{name}");
        law(&bytes);
    }
}

/// The body of a target that takes text only.
fn of_text(law: fn(&str)) -> impl Fn(&[u8]) {
    move |bytes| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            law(text);
        }
    }
}

#[test]
fn tables_are_read_the_same_in_both_ways() {
    hold("csv", fuzzed::csv);
    hold("jsonl", fuzzed::jsonl);
}

#[test]
fn yaml_is_answered() {
    hold("yaml", of_text(fuzzed::yaml));
    hold("schema", of_text(fuzzed::schema));
}

#[test]
fn locks_say_the_same_when_written_anew() {
    hold("lock", of_text(fuzzed::lock));
}

#[test]
fn photos_are_answered() {
    hold("photo", fuzzed::photo);
}

#[cfg(feature = "serve")]
#[test]
fn requests_are_answered() {
    hold("request", fuzzed::request);
}

#[test]
fn model_files_are_answered() {
    hold("model", fuzzed::model);
}

/// Otherwise the fuzzer would never come behind the digests.
#[test]
fn a_changed_model_file_with_right_digests_is_read() {
    use easylife::task::Task;
    use easylife::tasks::cv::Cv;
    let load = |bytes: &[u8]| {
        artifact::from_bytes::<<Cv as Task>::Details>(bytes, "f", "cv").map_err(|e| e.to_string())
    };
    let mut bytes = Cv::EMBEDDED.unwrap().to_vec();
    let whole = load(&fuzzed::seal(&bytes)).unwrap().state;
    *bytes.last_mut().unwrap() ^= 1;
    let message = load(&bytes).unwrap_err();
    assert!(
        message.contains("checksum") || message.contains("digest"),
        "{message}"
    );
    let changed = load(&fuzzed::seal(&bytes)).unwrap().state;
    assert_ne!(whole, changed);
}

#[test]
fn the_corpus_of_rules_is_answered() {
    for (name, text) in named("schema") {
        let text = String::from_utf8(text).unwrap();
        let result = Schema::parse(Path::new("f.yaml"), &text, &["duplicates"]);
        match name.as_str() {
            "full.yaml" | "huge.yaml" => assert!(result.is_ok(), "{name}: {result:?}"),
            _ => {
                let message = result.expect_err(&name).to_string();
                assert!(message.starts_with("f.yaml"), "{name}: {message}");
            }
        }
    }
}

#[test]
fn the_corpus_of_photos_is_answered() {
    let mut answered = 0;
    for (name, bytes) in named("photo") {
        let bad = ["cut.jpg", "huge.jpg", "text.jpg", "empty.jpg"].contains(&name.as_str());
        let result = Decoder::new().decode(&bytes);
        assert_eq!(result.is_err(), bad, "{name}: {result:?}");
        if let Ok(gray) = result {
            assert_eq!((gray.width, gray.height), (32, 24), "{name}");
            answered += 1;
        }
    }
    assert!(answered >= 10, "{answered} photos in the corpus");
}
