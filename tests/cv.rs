//! `cv` from its sample to answers, and every bad photo that a folder may hold.

mod support;
use std::path::Path;

use support::{Workdir, assert_same_for_any_threads, real_data};

/// A gray JPEG of a checkered picture; `seed` makes them differ.
fn photo(seed: u32) -> Vec<u8> {
    let image = image::GrayImage::from_fn(96, 64, |x, y| {
        image::Luma([((x / 8 + y / 8 + seed) % 2 * 120 + (x * y * (seed + 3)) % 90) as u8])
    });
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90)
        .encode_image(&image)
        .unwrap();
    bytes
}

fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let records = reader.records();
    records
        .map(|r| r.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

const SMALL: [&str; 4] = ["-S", "cv.sample.scenes=12", "-S", "cv.sample.incoming=4"];

fn trained() -> Workdir {
    let dir = Workdir::project();
    for verb in ["sample", "prepare", "train"] {
        dir.ok(&[&[verb, "cv"][..], &SMALL].concat());
    }
    dir
}

#[test]
fn the_whole_pipeline_gives_the_same_bytes_for_any_threads() {
    let run = |threads: &str| {
        let dir = Workdir::project();
        for verb in ["sample", "prepare", "train", "evaluate"] {
            dir.ok(&[&[verb, "cv", "--threads", threads][..], &SMALL].concat());
        }
        let input = "data/raw/cv/incoming";
        dir.ok(&[
            "predict",
            "cv",
            "-i",
            input,
            "-o",
            "out.csv",
            "--threads",
            threads,
        ]);
        let mut files: Vec<_> = ["data", "models", "metrics", "plots", "reports"]
            .iter()
            .flat_map(|folder| dir.tree(folder))
            .collect();
        files.push(("out.csv".to_owned(), dir.bytes("out.csv")));
        files
    };
    assert_same_for_any_threads("cv", run);
}

/// A model of the given kind on the small sample, and what it says of the photos to be scored.
fn modelled(model: &[&str]) -> (Vec<u8>, String, String) {
    let dir = Workdir::project();
    let model = [&SMALL[..], model].concat();
    for verb in ["sample", "prepare", "train", "evaluate"] {
        dir.ok(&[&[verb, "cv"][..], &model].concat());
    }
    let input = "data/raw/cv/incoming";
    dir.ok(&["predict", "cv", "-i", input, "-o", "out.csv"]);
    let why = dir.ok(&["explain", "cv", "data/raw/cv/incoming/00000.jpg"]);
    (dir.bytes("models/cv.safetensors"), dir.read("out.csv"), why)
}

#[test]
fn a_forest_goes_through_every_verb_and_on_any_threads() {
    let forest = ["-S", "cv.model.kind=forest", "-S", "cv.model.trees=20"];
    let with = |threads| modelled(&[&forest[..], &["--threads", threads]].concat());
    let (bytes, answers, why) = with("1");
    assert_eq!(rows(&answers).len(), 4);
    assert!(
        rows(&answers).iter().all(|row| row[5].is_empty()),
        "{answers}"
    );
    assert!(why.contains("variance of the Laplacian"), "{why}");
    for threads in ["2", "8"] {
        assert!(with(threads) == (bytes.clone(), answers.clone(), why.clone()));
    }
}

/// Nothing is promised of its bytes from one kind of processor to another.
#[test]
fn linfa_solves_what_newton_solves() {
    let solved = |solver| {
        let solver = [
            "-S",
            "cv.model.kind=logistic",
            "-S",
            "cv.model.balanced=false",
            "-S",
            solver,
        ];
        rows(&modelled(&solver).1)
    };
    let (newton, linfa) = (
        solved("cv.model.solver=newton"),
        solved("cv.model.solver=linfa"),
    );
    for (newton, linfa) in newton.iter().zip(&linfa) {
        assert_eq!(newton[..2], linfa[..2]);
        let score = |row: &[String]| row[3].parse::<f64>().unwrap();
        assert!(
            (score(newton) - score(linfa)).abs() < 0.05,
            "{newton:?} {linfa:?}"
        );
    }
    let dir = Workdir::project();
    let message = dir.fails(2, &["train", "cv", "-S", "cv.model.solver=linfa"]);
    assert!(message.contains("balanced"), "{message}");
}

#[test]
fn scenes_stay_whole_and_the_sample_is_learned() {
    let dir = trained();
    let scene = |part: &str| -> Vec<String> {
        let rows = rows(&dir.read(&format!("data/processed/cv/{part}.csv")));
        rows.into_iter().map(|row| row[5].clone()).collect()
    };
    let (train, test) = (scene("train"), scene("test"));
    assert_eq!((train.len(), test.len()), (36, 12));
    assert!(test.iter().all(|scene| !train.contains(scene)));
    dir.ok(&["evaluate", "cv"]);
    let metrics: serde_json::Value = serde_json::from_str(&dir.read("metrics/cv.json")).unwrap();
    let area = metrics["roc_auc"].as_f64().unwrap();
    assert!(area > 0.8, "{metrics}");
    let interval = &metrics["intervals"]["roc_auc"];
    let (low, high) = (interval["low"].as_f64(), interval["high"].as_f64());
    assert!(low <= Some(area) && Some(area) <= high, "{metrics}");
    assert!(
        metrics["roc_auc_above_baseline"]["value"].is_number(),
        "{metrics}"
    );
    assert!(dir.read("reports/cv.html").contains("Below the chosen"));
}

#[test]
fn the_page_shows_photos_that_are_judged_wrong() {
    let dir = Workdir::project();
    // One score alone cannot judge every photo of the sample right.
    let sets = [&SMALL[..], &["-S", "cv.model.kind=laplacian"]].concat();
    for verb in ["sample", "prepare", "train", "evaluate"] {
        dir.ok(&[&[verb, "cv"][..], &sets].concat());
    }
    let metrics: serde_json::Value = serde_json::from_str(&dir.read("metrics/cv.json")).unwrap();
    assert!(metrics["accuracy"].as_f64() < Some(1.0), "{metrics}");
    assert!(
        dir.read("reports/cv.html")
            .contains("data:image/png;base64,")
    );
}

#[test]
fn without_a_project_the_model_compiled_in_answers() {
    let dir = Workdir::empty();
    for seed in 0..3 {
        dir.write(&format!("photos/{seed}.jpg"), photo(seed));
    }
    dir.ok(&["predict", "cv", "-i", "photos", "-o", "out.csv"]);
    let text = dir.read("out.csv");
    assert!(
        text.starts_with("path,prediction,probability,score,warning,error\nphotos/0.jpg,sharp,")
    );
    assert_eq!(rows(&text).len(), 3);
    // A pattern, one photo, a list and a table say the same of the same photos.
    let one = rows(&text)[1][1..].to_vec();
    dir.ok(&["predict", "cv", "-i", "photos/[1].jpg", "-o", "pattern.csv"]);
    dir.ok(&["predict", "cv", "-i", "photos/1.jpg", "-o", "single.csv"]);
    dir.write("photos/list.csv", "id,path\n7,1.jpg\n");
    dir.ok(&["predict", "cv", "-i", "photos/list.csv", "-o", "table.csv"]);
    let message = dir.fails(1, &["predict", "cv", "-i", "nowhere", "-o", "none.csv"]);
    assert!(message.contains("nowhere: cannot be read"), "{message}");
    assert!(!dir.exists("none.csv"));
    for name in ["pattern.csv", "single.csv"] {
        assert_eq!(rows(&dir.read(name))[0][1..], one, "{name}");
    }
    assert_eq!(rows(&dir.read("table.csv"))[0][2..], one);
    for list in ["photos/1.jpg\n", "path\nphotos/1.jpg\n"] {
        let ran = dir.pipe(&["predict", "cv", "-o", "-"], list);
        assert_eq!(rows(&ran.stdout)[0][1..], one, "{ran:?}");
    }
}

#[test]
fn a_model_asked_for_and_that_of_the_project_win() {
    let dir = trained();
    dir.write("photos/a.jpg", photo(1));
    let score = |args: &[&str]| {
        dir.ok(&[
            &["predict", "cv", "-i", "photos", "-o", "out.csv"][..],
            args,
        ]
        .concat());
        rows(&dir.read("out.csv"))[0][3].clone()
    };
    let (own, asked) = (score(&[]), score(&["-m", "models/cv.safetensors"]));
    assert_eq!(own, asked);
    std::fs::remove_file(dir.path("models/cv.safetensors")).unwrap();
    assert_ne!(own, score(&[]), "the one compiled in is another");
}

/// Bad photos beside a good one: each keeps its row and gets its reason.
#[test]
fn every_bad_photo_is_named_and_the_rest_is_scored() {
    let dir = Workdir::empty();
    let good = photo(1);
    dir.write("in/a good one.jpg", &good);
    dir.write("in/äöü 写真.jpg", &good);
    dir.write("in/cut.jpg", &good[..good.len() / 2]);
    dir.write("in/empty.jpg", b"");
    dir.write("in/text.jpg", b"no photo at all\n");
    let mut huge = good.clone();
    let frame = huge
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .unwrap();
    for side in [frame + 5, frame + 7] {
        huge[side..side + 2].copy_from_slice(&60_000u16.to_be_bytes());
    }
    dir.write("in/huge.jpg", huge);
    let mut tiny = Vec::new();
    image::GrayImage::new(1, 1)
        .write_to(
            &mut std::io::Cursor::new(&mut tiny),
            image::ImageFormat::Png,
        )
        .unwrap();
    dir.write("in/tiny.png", tiny);
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", dir.path("in/link.jpg")).unwrap();
    let ran = dir.run(&["predict", "cv", "-i", "in", "-o", "out.csv"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    let rows = rows(&dir.read("out.csv"));
    let reason = |name: &str| -> String {
        let path = Path::new("in").join(name).display().to_string();
        let row = rows.iter().find(|row| row[0] == path);
        row.unwrap_or_else(|| panic!("{name} is lost: {rows:?}"))[5].clone()
    };
    assert_eq!(reason("a good one.jpg"), "");
    assert_eq!(reason("äöü 写真.jpg"), "");
    assert_eq!(reason("cut.jpg"), "the file is truncated");
    assert_eq!(reason("empty.jpg"), "the file is empty");
    assert!(reason("text.jpg").starts_with("not a supported image"));
    assert!(reason("huge.jpg").starts_with("60000 x 60000"));
    assert!(reason("tiny.png").starts_with("1 x 1"));
    #[cfg(unix)]
    assert!(reason("link.jpg").starts_with("cannot be read"));
}

#[cfg(unix)]
#[test]
fn a_photo_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Workdir::empty();
    let path = dir.write("in/secret.jpg", photo(1));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    dir.write("in/plain.jpg", photo(2));
    let ran = dir.run_unprivileged(&["predict", "cv", "-i", "in", "-o", "out.csv"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    let rows = rows(&dir.read("out.csv"));
    assert_eq!(rows[0][0], "in/plain.jpg");
    assert_eq!(rows[0][5], "");
    assert!(rows[1][5].contains("Permission denied"), "{rows:?}");
}

#[test]
fn prepare_lists_copies_and_bad_photos_of_class_folders() {
    let dir = Workdir::project();
    for seed in 0..4 {
        dir.write(&format!("mine/sharp/{seed}.jpg"), photo(seed));
        dir.write(&format!("mine/blurred/{seed}.jpg"), photo(seed + 10));
    }
    dir.write("mine/sharp/copy.jpg", photo(2));
    dir.write("mine/blurred/bad.jpg", b"text");
    let ran = dir.run(&["prepare", "cv", "-S", "cv.data.source=mine"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let excluded = rows(&dir.read("data/processed/cv/excluded.csv"));
    assert_eq!(excluded.len(), 2, "{excluded:?}");
    assert_eq!(excluded[0][0], "blurred/bad.jpg");
    assert_eq!(
        excluded[1],
        ["sharp/copy.jpg", "the same file as sharp/2.jpg"]
    );
}

#[test]
fn folders_and_labels_of_ones_own_are_mapped_to_classes() {
    let dir = Workdir::project();
    for seed in 0..4 {
        for (folder, seed) in [("ok", seed), ("blurry", seed + 10), ("raw", seed + 20)] {
            dir.write(&format!("mine/{folder}/{seed}.jpg"), photo(seed));
        }
        dir.write(&format!("plain/sharp/{seed}.jpg"), photo(seed));
        dir.write(&format!("plain/blurred/{seed}.jpg"), photo(seed + 10));
    }
    let prepare = |sets: &[&str]| {
        let mut args = vec!["prepare", "cv"];
        sets.iter().for_each(|set| args.extend(["-S", set]));
        dir.run(&args)
    };
    // Nothing says which folder is which class: the key is named, with what is likely.
    for verb in ["prepare", "validate"] {
        let message = dir.fails(2, &[verb, "cv", "-S", "cv.data.source=mine"]);
        let asks = "which class are the photos in blurry, ok, raw?";
        assert!(message.contains(asks), "{message}");
        let example = "set cv.data.classes, for example {blurry: blurred, ok: sharp}";
        assert!(message.contains(example), "{message}");
    }
    let map = "cv.data.classes={blurry: blurred, ok: sharp}";
    let ran = prepare(&["cv.data.source=mine", map]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let left = "mine: left out the folders raw, which are no class of cv.data.classes";
    assert!(ran.stderr.contains(left), "{ran:?}");
    let labels = |part: &str| {
        let mut rows = rows(&dir.read(&format!("data/processed/cv/{part}.csv")));
        rows.iter_mut().for_each(|row| {
            row[0] = row[0]
                .replace("ok/", "sharp/")
                .replace("blurry/", "blurred/");
        });
        rows.sort();
        rows
    };
    let mapped = labels("train").len() + labels("test").len();
    assert_eq!(mapped, 8);
    dir.ok(&["validate", "cv", "-S", "cv.data.source=mine", "-S", map]);
    // The same through a table.
    let mut list = String::from("path,label\n");
    for seed in 0..4 {
        list += &format!("ok/{seed}.jpg,OK\nblurry/{}.jpg,out of focus\n", seed + 10);
    }
    dir.write("mine/list.csv", list);
    let source = "cv.data.source=mine/list.csv";
    let ran = prepare(&[source, "cv.data.classes={out of focus: blurred, OK: sharp}"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(labels("train").len() + labels("test").len(), 8);
    let ran = prepare(&[source, "cv.data.classes={OK: sharp}"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    let place = "list.csv:3: column 2 (label)";
    assert!(
        ran.stderr.contains(place) && ran.stderr.contains("cv.data.classes has OK"),
        "{ran:?}"
    );
    // A folder that the map names is not there, and another would be left out: a slip of the pen.
    let ran = prepare(&[
        "cv.data.source=mine",
        "cv.data.classes={blury: blurred, ok: sharp}",
    ]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.stderr.contains("cv.data.classes names `blury`"),
        "{ran:?}"
    );
    let ran = prepare(&["cv.data.classes={ok: clear}"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("cv.data.classes"), "{ran:?}");
}

#[test]
fn init_finds_which_folder_is_which_class() {
    let dir = Workdir::empty();
    for seed in 0..6 {
        dir.write(&format!("mine/ok/{seed}.jpg"), photo(seed));
        dir.write(&format!("mine/blurry/{seed}.jpg"), photo(seed + 10));
        dir.write(&format!("odd/a/{seed}.jpg"), photo(seed));
        dir.write(&format!("odd/b/{seed}.jpg"), photo(seed + 10));
    }
    let said = dir.ok(&["init", "found", "--task", "cv", "--source", "mine"]);
    assert!(
        said.contains("cv.data.classes: {blurry: blurred, ok: sharp}  (found"),
        "{said}"
    );
    assert!(
        dir.read("found/params.yaml")
            .contains("\n    classes: {blurry: blurred, ok: sharp}\n")
    );
    dir.ok(&["prepare", "cv", "--project", "found"]);
    let init = ["init", "given", "--task", "cv", "--source", "odd"];
    let message = dir.fails(2, &init);
    let asks =
        "cannot tell which of a, b is blurred and which sharp; name them, for example --classes";
    assert!(message.contains(asks), "{message}");
    assert!(!dir.exists("given"));
    let message = dir.fails(
        2,
        &[&init[..], &["--classes", "c=sharp,b=blurred"]].concat(),
    );
    assert!(
        message.contains("`c`") && message.contains("among the labels a, b"),
        "{message}"
    );
    // A class without a label is a slip in a list of folders.
    let message = dir.fails(2, &[&init[..], &["--classes", "a=sharp"]].concat());
    assert!(
        message.contains("leaves a class without a label"),
        "{message}"
    );
    dir.ok(&[&init[..], &["--classes", "a=sharp,b=blurred"]].concat());
    assert!(
        dir.read("given/params.yaml")
            .contains("\n    classes: {a: sharp, b: blurred}\n")
    );
    // Labels of a table, likewise.
    let rows: String = (0..6)
        .map(|seed| format!("a/{seed}.jpg,good\nb/{seed}.jpg,bad\n"))
        .collect();
    dir.write("odd/list.csv", format!("file,quality\n{rows}"));
    let said = dir.ok(&["init", "table", "--task", "cv", "--source", "odd/list.csv"]);
    assert!(
        said.contains("cv.data.classes: {bad: blurred, good: sharp}  (found"),
        "{said}"
    );
    dir.ok(&["prepare", "cv", "--project", "table"]);
    // A table may be sorted, so that its head has one class.
    for (name, label) in [("own", "sharp"), ("other", "good")] {
        let rows: String = (0..1200)
            .map(|row| format!("a/{row}.jpg,{label}\n"))
            .collect();
        dir.write("sorted.csv", format!("file,label\n{rows}b/1.jpg,blurred\n"));
        dir.ok(&[
            "init",
            name,
            "--task",
            "cv",
            "--source",
            "sorted.csv",
            "--label",
            "label",
        ]);
    }
    assert!(!dir.read("own/params.yaml").contains("\n    classes: "));
    assert!(
        dir.read("other/params.yaml")
            .contains("\n    classes: {good: sharp}\n")
    );
    // Only tasks with classes of their own have a map.
    dir.write("texts.csv", "text,label\na b,x\nc d,y\n");
    let message = dir.fails(
        2,
        &[
            "init",
            "nlp",
            "--task",
            "nlp",
            "--source",
            "texts.csv",
            "--classes",
            "x=y",
        ],
    );
    assert!(message.contains("--classes"), "{message}");
}

#[test]
fn a_wrong_label_is_placed() {
    let dir = Workdir::project();
    dir.write("mine/list.csv", "path,label\na.jpg,soft\n");
    let message = dir.fails(4, &["prepare", "cv", "-S", "cv.data.source=mine/list.csv"]);
    assert!(
        message.contains("list.csv:2: column 2 (label)"),
        "{message}"
    );
}

#[test]
fn real_photos_can_be_blurred_into_a_sample() {
    let dir = Workdir::project();
    for seed in 0..2 {
        dir.write(&format!("sharp ones/{seed}.jpg"), photo(seed));
    }
    let said = dir.ok(&["sample", "cv", "--from", "sharp ones"]);
    assert_eq!(said, "data/raw/cv/photos: 9 files\n");
    assert_eq!(dir.names("data/raw/cv/photos").len(), 2 * 4 + 1);
    let message = dir.fails(2, &["sample", "nlp", "--from", "sharp ones"]);
    assert!(message.contains("remove --from"), "{message}");
}

#[test]
fn explanations_name_scores_and_draw_tiles() {
    let dir = Workdir::empty();
    dir.write("a.jpg", photo(1));
    let said = dir.ok(&["explain", "cv", "a.jpg", "--pictures", "why"]);
    assert!(
        said.contains("variance of the Laplacian") && said.contains("  |"),
        "{said}"
    );
    assert!(dir.bytes("why/a.jpg.png").starts_with(b"\x89PNG"));
    assert!(
        dir.fails(4, &["explain", "cv", "b.jpg"])
            .contains("b.jpg: cannot be read")
    );
}

/// The model compiled in has seen painted photos alone; real ones are the test.
#[test]
fn the_model_compiled_in_knows_real_photos() {
    let Some(folder) = real_data("cv") else {
        return;
    };
    let dir = Workdir::empty();
    let labels = folder.join("labels.csv").display().to_string();
    dir.ok(&["predict", "cv", "-i", &labels, "-o", "out.csv"]);
    let rows = rows(&dir.read("out.csv"));
    let right = rows
        .iter()
        .filter(|row| (row[1] == "1") == (row[6] == "sharp"))
        .count();
    assert!(
        right as f64 >= 0.95 * rows.len() as f64,
        "{right} of {}",
        rows.len()
    );
}

/// Trained at one size, a model used to call most photos of twice that size blurred.
#[test]
fn a_photo_at_double_size_is_what_the_photo_is() {
    let Some(folder) = real_data("cv") else {
        return;
    };
    let dir = Workdir::empty();
    let mut paths: Vec<_> = std::fs::read_dir(folder.join("img"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for (number, path) in paths.iter().step_by(40).enumerate() {
        let photo = image::open(path).unwrap().to_luma8();
        let (width, height) = photo.dimensions();
        dir.write(&format!("single/{number:02}.jpg"), jpeg(&photo));
        let filter = image::imageops::FilterType::CatmullRom;
        let double = image::imageops::resize(&photo, 2 * width, 2 * height, filter);
        dir.write(&format!("double/{number:02}.jpg"), jpeg(&double));
    }
    let answers = |folder: &str| {
        dir.ok(&["predict", "cv", "-i", folder, "-o", "out.csv"]);
        rows(&dir.read("out.csv"))
    };
    let (single, double) = (answers("single"), answers("double"));
    let same = single.iter().zip(&double).filter(|(a, b)| a[1] == b[1]);
    assert!(same.count() + 1 >= single.len(), "{single:?} {double:?}");
}

fn jpeg(photo: &image::GrayImage) -> Vec<u8> {
    let mut file = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 92)
        .encode_image(photo)
        .unwrap();
    file
}

/// The model knows the sizes that it was trained on, and says where a photo has another.
#[test]
fn a_photo_much_smaller_than_those_trained_on_has_a_warning() {
    let dir = Workdir::empty();
    for side in [200, 320] {
        let light = |x: u32, y: u32| image::Luma([(x * x / 5 + 31 * y) as u8]);
        let photo = image::GrayImage::from_fn(side, side / 2, light);
        dir.write(&format!("photos/{side}.jpg"), jpeg(&photo));
    }
    let ran = dir.run(&["predict", "cv", "-i", "photos", "-o", "out.csv"]);
    let closing = "warning: 1 of 2 photos are much smaller or larger than those that the model was trained on, and may be \
        judged wrongly: see the column `warning`\n";
    assert!(ran.stderr.contains(closing), "{}", ran.stderr);
    let rows = rows(&dir.read("out.csv"));
    let warning = "judged at 200 pixels, but the model was trained on photos of 320 to 800";
    assert_eq!((&rows[0][4][..], &rows[1][4][..]), (warning, ""));
    for verb in ["predict", "explain"] {
        let said = dir.ok(&[verb, "cv", "photos/200.jpg"]);
        assert!(said.contains(&format!("  warning: {warning}")), "{said}");
    }
    let said = dir.ok(&["explain", "cv", "photos/320.jpg"]);
    let sizes = "320 x 160 pixels; the model was trained on 320 to 800";
    assert!(said.contains(sizes) && !said.contains("warning"), "{said}");
}

/// The file system of macOS has no such names.
#[cfg(target_os = "linux")]
#[test]
fn photos_whose_names_are_not_utf8_are_judged() {
    use std::os::unix::ffi::OsStrExt;
    let dir = Workdir::empty();
    dir.write("photos/b.jpg", photo(2));
    let name = std::ffi::OsStr::from_bytes(b"photos/caf\xe9.jpg");
    std::fs::write(dir.path(name), photo(1)).unwrap();
    dir.ok(&["predict", "cv", "-i", "photos", "-o", "out.csv"]);
    let out = rows(&dir.read("out.csv"));
    assert_eq!(out[1][0], "photos/caf\\xE9.jpg");
    assert!(out.iter().all(|row| row[5].is_empty()), "{out:?}");
    // The spelling leads back to the file.
    dir.write("list.csv", "path\nphotos/caf\\xE9.jpg\n");
    dir.ok(&["predict", "cv", "-i", "list.csv", "-o", "again.csv"]);
    assert_eq!(rows(&dir.read("again.csv"))[0], out[1]);
    dir.ok(&["explain", "cv", "photos/caf\\xE9.jpg"]);
}

#[test]
fn pictures_are_written_whoever_reads_the_text() {
    let dir = Workdir::empty();
    for i in 0..12 {
        dir.write(&format!("{i}.jpg"), photo(i));
    }
    let script = format!(
        "'{}' explain cv --pictures why *.jpg | head -n 1",
        env!("CARGO_BIN_EXE_easylife")
    );
    let output = std::process::Command::new("bash")
        .args(["-c", &format!("set -o pipefail; {script}")])
        .current_dir(dir.path(""))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(dir.names("why").len(), 12);
}
