//! `easylife serve` as a user runs it: its answers beside those of `predict`, on every route.
#![cfg(feature = "serve")]

#[path = "support/server.rs"]
mod server;
mod support;

use serde_json::{Value, json};
use server::{Response, Server, form};
use support::Workdir;

/// A project with a small sample of a task, prepared and trained.
fn trained(task: &str, sets: &[&str]) -> Workdir {
    let dir = Workdir::project();
    for verb in ["sample", "prepare", "train"] {
        dir.ok(&[&[verb, task][..], sets].concat());
    }
    dir
}

/// The cells of a CSV table by column name, a map a row.
fn rows(text: &str) -> Vec<std::collections::HashMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().unwrap()
}

/// The values of an output of the protocol.
fn output<'a>(answer: &'a Value, name: &str) -> &'a Vec<Value> {
    let outputs = answer["outputs"].as_array().unwrap();
    let found = outputs.iter().find(|output| output["name"] == name);
    found
        .and_then(|output| output["data"].as_array())
        .unwrap_or_else(|| panic!("{name}: {answer}"))
}

fn texts_of(rows: &[std::collections::HashMap<String, String>], column: &str) -> Vec<String> {
    rows.iter().map(|row| row[column].clone()).collect()
}

/// Numbers whose text is compared: the shortest that reads back the same.
fn spelled(values: &[Value]) -> Vec<String> {
    values
        .iter()
        .map(|value| format!("{:?}", value.as_f64().unwrap()))
        .collect()
}

fn assert_error(response: &Response, status: u16, key: &str, expected: &str) {
    assert_eq!(response.status, status, "{response:?}");
    let reason = response.json()[key].as_str().unwrap_or_default().to_owned();
    assert!(reason.contains(expected), "{reason}");
}

#[test]
fn texts_are_answered_with_the_bits_of_the_batch() {
    let dir = Workdir::trained();
    let input = "data/raw/nlp/incoming.csv";
    dir.ok(&["predict", "nlp", "-i", input, "-o", "out.csv"]);
    dir.ok(&[
        "predict",
        "nlp",
        "-i",
        input,
        "-o",
        "all.csv",
        "--all-classes",
    ]);
    dir.ok(&["predict", "nlp", "-i", input, "-o", "out.jsonl"]);
    let server = Server::start(&dir, &["nlp"]);
    let table = dir.read(input);
    let csv = server.post("/v1/nlp", "text/csv", &table);
    assert_eq!(
        (csv.status, csv.text()),
        (200, dir.read("out.csv").as_str())
    );
    let all = server.post("/v1/nlp?all_classes=true", "text/csv", &table);
    assert_eq!(all.text(), dir.read("all.csv"));
    let accepts = [
        ("content-type", "text/csv"),
        ("accept", "application/x-ndjson"),
    ];
    let lines = server.send("POST", "/v1/nlp", &accepts, table.as_bytes());
    assert_eq!(lines.text(), dir.read("out.jsonl"));

    let batch = rows(&dir.read("all.csv"));
    let texts = texts_of(&batch, "text");
    let model = server.get("/v2/models/nlp").json();
    assert_eq!(
        model["inputs"],
        json!([{"name": "text", "datatype": "BYTES", "shape": [-1]}])
    );
    let request = json!({
        "inputs": [{"name": "text", "datatype": "BYTES", "shape": [texts.len()], "data": texts}],
        "outputs": [{"name": "prediction"}, {"name": "probability"}, {"name": "probabilities"}],
    });
    let answer = server.ask("/v2/models/nlp/infer", &request).json();
    let predictions: Vec<&str> = output(&answer, "prediction")
        .iter()
        .map(|v| v.as_str().unwrap())
        .collect();
    assert_eq!(predictions, texts_of(&batch, "prediction"));
    assert_eq!(
        spelled(output(&answer, "probability")),
        texts_of(&batch, "probability")
    );
    let classes: Vec<String> = ["negative", "positive"].map(str::to_owned).to_vec();
    let both = spelled(output(&answer, "probabilities"));
    for (row, pair) in batch.iter().zip(both.chunks(2)) {
        assert_eq!(pair, [row[&classes[0]].clone(), row[&classes[1]].clone()]);
    }

    // The binary extension: the same bits, as numbers.
    let mut raw = Vec::new();
    for text in &texts {
        raw.extend_from_slice(&(text.len() as u32).to_le_bytes());
        raw.extend_from_slice(text.as_bytes());
    }
    let head = json!({
        "inputs": [{"name": "text", "datatype": "BYTES", "shape": [texts.len()],
            "parameters": {"binary_data_size": raw.len()}}],
        "outputs": [{"name": "probability", "parameters": {"binary_data": true}}],
    })
    .to_string();
    let length = head.len().to_string();
    let headers = [("inference-header-content-length", length.as_str())];
    let body = [head.as_bytes(), &raw].concat();
    let binary = server.send("POST", "/v2/models/nlp/infer", &headers, &body);
    let json_length: usize = binary
        .header("inference-header-content-length")
        .unwrap()
        .parse()
        .unwrap();
    let values = binary.body[json_length..].chunks_exact(8);
    let values: Vec<String> = values
        .map(|bytes| format!("{:?}", f64::from_le_bytes(bytes.try_into().unwrap())))
        .collect();
    assert_eq!(values, texts_of(&batch, "probability"));
}

#[test]
fn the_platforms_routes_for_texts_say_label_and_reasons() {
    let dir = Workdir::trained();
    let server = Server::start(&dir, &["nlp"]);
    let text = "wonderful and lovely, works great";
    dir.write("one.csv", format!("text\n\"{text}\"\n"));
    dir.ok(&["predict", "nlp", "-i", "one.csv", "-o", "one.out.csv"]);
    let batch = &rows(&dir.read("one.out.csv"))[0];
    let answer = server.ask("/predict", &json!({"text": text})).json();
    assert_eq!(answer["label_name"], json!(batch["prediction"]));
    assert_eq!(answer["sentiment"], answer["label_name"]);
    assert_eq!(
        format!("{:?}", answer["confidence"].as_f64().unwrap()),
        batch["probability"]
    );
    let number = ["negative", "positive"]
        .iter()
        .position(|class| *class == batch["prediction"]);
    assert_eq!(answer["label"], json!(number));

    let why = server
        .ask("/explain", &json!({"text": text, "top_k": 3}))
        .json();
    assert_eq!(
        (&why["label"], &why["confidence"]),
        (&answer["label"], &answer["confidence"])
    );
    let tokens = why["tokens"].as_array().unwrap();
    assert!((1..=3).contains(&tokens.len()), "{why}");
    let strengths: Vec<f64> = tokens
        .iter()
        .map(|token| token["contribution"].as_f64().unwrap())
        .collect();
    assert!(strengths.windows(2).all(|two| two[0] >= two[1]) && strengths.iter().all(|s| *s > 0.0));
    let explained: Value =
        serde_json::from_str(&dir.ok(&["explain", "nlp", text, "--json"])).unwrap();
    let first = explained["terms"]
        .as_array()
        .unwrap()
        .iter()
        .find(|term| term["contribution"].as_f64() > Some(0.0));
    assert_eq!(first.unwrap()["ngram"], tokens[0]["token"]);

    let missing = server.ask("/predict", &json!({"txt": text}));
    assert_eq!(missing.status, 422);
    assert_eq!(missing.json()["detail"][0]["loc"], json!(["body", "text"]));
    assert_eq!(
        server
            .ask("/explain", &json!({"text": text, "top_k": 21}))
            .status,
        422
    );
    assert_error(&server.get("/predict"), 405, "detail", "POST");
    assert_error(
        &server.ask("/recommendations", &json!({"user_id": "u"})),
        404,
        "detail",
        "recsys",
    );
    let metrics = server.get("/metrics");
    let counted = format!("nlp_predictions_total{{label=\"{}\"}} 2", number.unwrap());
    assert!(
        metrics.text().lines().any(|line| line == counted),
        "{}",
        metrics.text()
    );
}

#[test]
fn photos_are_answered_with_the_bits_of_the_batch() {
    let dir = Workdir::project();
    let sets = ["-S", "cv.sample.scenes=4", "-S", "cv.sample.incoming=4"];
    dir.ok(&[&["sample", "cv"][..], &sets].concat());
    // The built-in model: nothing was trained.
    dir.ok(&[
        "predict",
        "cv",
        "-i",
        "data/raw/cv/incoming",
        "-o",
        "out.csv",
    ]);
    let batch = rows(&dir.read("out.csv"));
    let server = Server::start(&dir, &["cv"]);
    let photos: Vec<(String, Vec<u8>)> = batch
        .iter()
        .map(|row| {
            let path = dir.path(&row["path"]);
            (row["path"].clone(), std::fs::read(path).unwrap())
        })
        .collect();
    assert!(photos.len() >= 4);
    let files: Vec<(&str, &str, &[u8])> = photos
        .iter()
        .map(|(name, bytes)| ("files", name.as_str(), &bytes[..]))
        .collect();
    let (kind, body) = form(&files);
    let accepts = [("content-type", kind), ("accept", "text/csv")];
    let all = server.send("POST", "/v1/cv", &accepts, &body);
    assert_eq!(all.text(), dir.read("out.csv"));
    for (row, (name, photo)) in batch.iter().zip(&photos) {
        let one = server.post("/v1/cv", "image/jpeg", photo).json();
        assert_eq!(one[0]["prediction"], json!(row["prediction"]));
        assert_eq!(
            format!("{:?}", one[0]["score"].as_f64().unwrap()),
            row["score"]
        );
        let (kind, body) = form(&[("file", name, photo)]);
        let original = server.post("/predict_image", kind, &body).json();
        assert_eq!(original["label_name"], json!(row["prediction"]));
        assert_eq!(
            format!("{:?}", original["confidence"].as_f64().unwrap()),
            row["probability"]
        );
        assert_eq!(
            original["label"],
            json!(u8::from(row["prediction"] == "sharp"))
        );
        // The README's route: the same path as texts have, told apart by the form.
        let readme = server.post("/predict", kind, &body).json();
        assert_eq!(readme["is_blurred"], json!(row["prediction"] == "blurred"));
        assert_eq!(readme["blur_score"], original["score"]);
    }
}

#[test]
fn a_photo_that_cannot_be_read_has_its_reason() {
    let dir = Workdir::project();
    dir.ok(&[
        "sample",
        "cv",
        "-S",
        "cv.sample.scenes=4",
        "-S",
        "cv.sample.incoming=2",
    ]);
    let server = Server::start(&dir, &["cv"]);
    let (kind, body) = form(&[("file", "secret name.jpg", b"not a photo")]);
    assert_error(
        &server.post("/predict_image", kind, &body),
        400,
        "detail",
        "the photo: ",
    );
    assert_error(
        &server.post("/v1/cv", "image/png", b"not a photo"),
        400,
        "error",
        "the photo: ",
    );
    let good = dir.path("data/raw/cv/incoming");
    let good = std::fs::read_dir(good)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let good = std::fs::read(good.filter(|path| path.is_file()).min().unwrap()).unwrap();
    let (kind, body) = form(&[("a", "good.jpg", &good), ("b", "bad.jpg", b"not a photo")]);
    let both = server.post("/v1/cv", kind, &body).json();
    assert_eq!(both[0]["error"], Value::Null);
    assert_eq!(
        (&both[1]["prediction"], &both[1]["probability"]),
        (&Value::Null, &Value::Null)
    );
    assert!(
        both[1]["error"]
            .as_str()
            .is_some_and(|reason| !reason.is_empty()),
        "{both}"
    );
    // A pixel can be read, but not judged: refused, but for the platform's clients, who are told.
    let gray = b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0\0\0\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80\x80\x80\0";
    assert_error(
        &server.post("/v1/cv", "image/bmp", gray),
        400,
        "error",
        "too few to judge",
    );
    let (kind_of_form, body_of_pixel) = form(&[("file", "a.bmp", gray)]);
    let judged = server.post("/predict", kind_of_form, &body_of_pixel).json();
    assert_eq!(
        (&judged["label_name"], &judged["confidence"]),
        (&json!("blurred"), &json!(0.5))
    );
    assert!(
        judged["warning"]
            .as_str()
            .unwrap()
            .contains("too few to judge"),
        "{judged}"
    );
    let missing = server.post("/predict_image", "application/json", b"{}");
    assert_eq!(
        (missing.status, &missing.json()["detail"][0]["loc"]),
        (422, &json!(["body", "file"]))
    );
    assert_error(
        &server.post("/predict_image", kind, b"--cut\r\n"),
        400,
        "detail",
        "cut short",
    );
}

#[test]
fn series_are_answered_with_the_bits_of_the_batch() {
    let sets = ["-S", "ts.sample.series=3", "-S", "ts.sample.days=200"];
    let dir = trained("ts", &sets);
    dir.ok(&[
        "predict",
        "ts",
        "-o",
        "out.csv",
        "--horizon",
        "10",
        "--level",
        "80,95",
    ]);
    let batch = rows(&dir.read("out.csv"));
    let server = Server::start(&dir, &["ts"]);
    let all = server.send("POST", "/v1/ts?horizon=10", &[("accept", "text/csv")], b"");
    let served = rows(all.text());
    assert_eq!(served.len(), batch.len());
    for (served, batch) in served.iter().zip(&batch) {
        for (column, cell) in batch {
            assert_eq!(served[column], *cell, "{column}");
        }
        assert_eq!(served["fallback"], "");
    }
    let id = &batch[10]["unique_id"];
    let request = json!({
        "inputs": [{"name": "unique_id", "datatype": "BYTES", "shape": [1], "data": [id]}],
        "parameters": {"horizon": 10, "levels": [80]},
    });
    let answer = server.ask("/v2/models/ts/infer", &request).json();
    let own: Vec<_> = batch
        .iter()
        .filter(|row| row["unique_id"] == *id)
        .cloned()
        .collect();
    assert_eq!(spelled(output(&answer, "mean")), texts_of(&own, "mean"));
    assert_eq!(spelled(output(&answer, "lo-80")), texts_of(&own, "lo-80"));

    // The platform's route: the first series, or the one that is named.
    let first = server.ask("/forecast", &json!({"horizon": 10})).json();
    assert_eq!(first["series"], json!(batch[0]["unique_id"]));
    assert_eq!(
        spelled(first["values"].as_array().unwrap()),
        texts_of(&batch[..10], "mean")
    );
    assert_eq!(
        first["timestamps"][0],
        json!(format!("{}T00:00:00", batch[0]["ds"]))
    );
    let query = server
        .get(&format!("/forecast?horizon=10&series={id}"))
        .json();
    assert_eq!(
        spelled(query["forecast"].as_array().unwrap()),
        texts_of(&own, "mean")
    );
    let lower = query["confidence_interval"]["lower"].as_array().unwrap();
    assert_eq!(spelled(lower), texts_of(&own, "lo-95"));
    assert_eq!(server.get("/forecast?horizon=181").status, 422);
    assert_error(
        &server.get("/forecast?series=nothing"),
        404,
        "detail",
        "series `nothing`",
    );
    let misspelt = json!({"inputs": [], "parameters": {"horizn": 3}});
    assert_error(
        &server.ask("/v2/models/ts/infer", &misspelt),
        400,
        "error",
        "unknown parameter `horizn`",
    );
}

#[test]
fn newer_observations_move_the_state_for_their_answer_only() {
    let sets = ["-S", "ts.sample.series=2", "-S", "ts.sample.days=200"];
    let dir = trained("ts", &sets);
    dir.ok(&["predict", "ts", "-o", "before.csv", "--horizon", "5"]);
    let before = rows(&dir.read("before.csv"));
    let id = &before[0]["unique_id"];
    let newer = format!(
        "unique_id,ds,y\n{id},{},100000\n{id},{},100000\n",
        before[0]["ds"], before[1]["ds"]
    );
    dir.write("newer.csv", &newer);
    dir.ok(&[
        "predict",
        "ts",
        "-i",
        "newer.csv",
        "-o",
        "after.csv",
        "--horizon",
        "5",
    ]);
    let after = rows(&dir.read("after.csv"));
    let server = Server::start(&dir, &["ts"]);
    let moved = server.post("/v1/ts?horizon=5", "text/csv", &newer);
    let moved = rows(moved.text());
    assert_eq!(texts_of(&moved, "ds"), texts_of(&after[..5], "ds"));
    assert_eq!(texts_of(&moved, "mean"), texts_of(&after[..5], "mean"));
    assert_ne!(texts_of(&moved, "mean"), texts_of(&before[..5], "mean"));
    let again = server.post("/v1/ts?horizon=5", "text/csv", format!("unique_id\n{id}\n"));
    assert_eq!(
        texts_of(&rows(again.text()), "mean"),
        texts_of(&before[..5], "mean")
    );
    // A value that contradicts training is refused rather than answered by the naive forecast.
    let past = format!("unique_id,ds,y\n{id},1990-01-01,1\n");
    assert_error(
        &server.post("/v1/ts", "text/csv", past),
        400,
        "error",
        "before the first value",
    );
    let bad = format!("unique_id,ds,y\n{id},{},many\n", before[0]["ds"]);
    assert_error(
        &server.post("/v1/ts", "text/csv", bad),
        400,
        "error",
        "body:2",
    );
}

#[test]
fn lists_are_answered_with_the_bits_of_the_batch() {
    let sets = [
        "-S",
        "recsys.sample.users=80",
        "-S",
        "recsys.sample.items=60",
    ];
    let dir = trained("recsys", &sets);
    dir.ok(&[
        "predict", "recsys", "--users", "all", "--k", "7", "-o", "out.csv",
    ]);
    dir.ok(&[
        "predict",
        "recsys",
        "--similar",
        "all",
        "--k",
        "4",
        "-o",
        "similar.csv",
    ]);
    let server = Server::start(&dir, &["recsys"]);
    let batch = rows(&dir.read("out.csv"));
    let mut users = texts_of(&batch, "user_id");
    users.dedup();
    let table = format!("user_id\n{}\n", users.join("\n"));
    let all = server.post("/v1/recsys?k=7", "text/csv", table);
    assert_eq!(all.text(), dir.read("out.csv"));
    let similar = rows(&dir.read("similar.csv"));
    let item = &similar[0]["item_id"];
    let request = json!({
        "inputs": [{"name": "similar_to", "datatype": "BYTES", "shape": [1], "data": [item]}],
        "parameters": {"k": 4},
    });
    let answer = server.ask("/v2/models/recsys/infer", &request).json();
    let ids: Vec<&str> = output(&answer, "similar_id")
        .iter()
        .map(|v| v.as_str().unwrap())
        .collect();
    assert_eq!(ids, texts_of(&similar[..4], "similar_id"));
    let scores = output(&answer, "score")
        .iter()
        .map(|v| format!("{:?}", v.as_f64().unwrap() as f32));
    assert_eq!(scores.collect::<Vec<_>>(), texts_of(&similar[..4], "score"));

    let original = server
        .ask(
            "/recommendations",
            &json!({"user_id": users[0], "top_k": 7}),
        )
        .json();
    let listed = original["recommendations"].as_array().unwrap();
    let ids: Vec<&str> = listed
        .iter()
        .map(|record| record["item_id"].as_str().unwrap())
        .collect();
    let own: Vec<_> = batch
        .iter()
        .filter(|row| row["user_id"] == users[0])
        .cloned()
        .collect();
    assert_eq!(ids, texts_of(&own, "item_id"));
    assert!(
        listed
            .iter()
            .all(|record| record["metadata"]["name"].is_string())
    );
    let query = server
        .get(&format!("/recommend?user_id={}&top_k=7", users[0]))
        .json();
    assert_eq!(query, original);
    let like = server.get(&format!("/items/{item}/similar?top_k=4")).json();
    let ids: Vec<&str> = { like["similar_items"].as_array().unwrap() }
        .iter()
        .map(|record| record["item_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, texts_of(&similar[..4], "similar_id"));
    assert_eq!(
        server
            .get(&format!("/similar?item_id={item}&top_k=4"))
            .json(),
        like
    );
    assert_error(
        &server.get("/items/unknown-item/similar"),
        404,
        "detail",
        "unknown-item",
    );
    // Somebody new gets what is popular, and is not taken for known.
    let new = server
        .ask(
            "/recommendations",
            &json!({"user_id": "new-user", "top_k": 3}),
        )
        .json();
    assert_eq!(new["recommendations"].as_array().unwrap().len(), 3);
    assert_eq!(
        server
            .ask("/recommendations", &json!({"user_id": 5}))
            .status,
        422
    );
}

#[test]
fn interactions_of_a_request_are_folded_in_as_by_the_batch() {
    let sets = [
        "-S",
        "recsys.sample.users=80",
        "-S",
        "recsys.sample.items=60",
    ];
    let dir = trained("recsys", &sets);
    let raw = rows(&dir.read("data/raw/recsys/incoming.csv"));
    let (one, two) = (&raw[0]["item_id"], &raw[raw.len() / 2]["item_id"]);
    let newer = format!("user_id,item_id\nsomebody,{one}\nsomebody,{two}\n");
    dir.write("newer.csv", &newer);
    dir.ok(&[
        "predict",
        "recsys",
        "-i",
        "newer.csv",
        "--k",
        "5",
        "-o",
        "out.csv",
    ]);
    let server = Server::start(&dir, &["recsys"]);
    let folded = server.post("/v1/recsys?k=5", "text/csv", &newer);
    assert_eq!(folded.text(), dir.read("out.csv"));
    let timed =
        format!("user_id,item_id,timestamp\nsomebody,{two},20\nsomebody,{one},10\nother,{one},5\n");
    dir.write("timed.csv", &timed);
    dir.ok(&[
        "predict",
        "recsys",
        "-i",
        "timed.csv",
        "--k",
        "5",
        "-o",
        "timed.out.csv",
    ]);
    let served = server.post("/v1/recsys?k=5", "text/csv", &timed);
    assert_eq!(served.text(), dir.read("timed.out.csv"));
    let first = &rows(folded.text())[0]["item_id"];
    let denied = server.post(&format!("/v1/recsys?k=5&deny={first}"), "text/csv", &newer);
    assert!(!texts_of(&rows(denied.text()), "item_id").contains(first));
    let allowed = server.post(&format!("/v1/recsys?k=5&allow={first}"), "text/csv", &newer);
    let allowed = texts_of(&rows(allowed.text()), "item_id");
    assert_eq!(allowed, std::slice::from_ref(first));
}
