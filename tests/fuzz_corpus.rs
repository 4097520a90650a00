//! What the fuzzer starts from, through the same entry point: an answer or an error.

use std::path::Path;

use easylife::data::image::decode;

#[test]
fn the_corpus_of_photos_is_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/photo");
    let mut answered = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bad = ["cut.jpg", "huge.jpg", "text.jpg", "empty.jpg"].contains(&name.as_str());
        let result = decode(&std::fs::read(&path).unwrap());
        assert_eq!(result.is_err(), bad, "{name}: {result:?}");
        if let Ok(gray) = result {
            assert_eq!((gray.width, gray.height), (32, 24), "{name}");
            answered += 1;
        }
    }
    assert!(answered >= 10, "{answered} photos in the corpus");
}
