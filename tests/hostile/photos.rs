//! Files that are no photo, and forms that hold none.

use serde_json::{Value, json};

use super::{
    BROKEN_FORM, Case, FILE, FORM, HUGE_PHOTO, JSON, NOT_AN_IMAGE, missing, multipart, photo, png,
    post, wrong,
};

/// Files that are no photo, in a form of the platform and as the body of a table's route.
pub fn photos() -> Vec<Case> {
    let good = photo();
    let files: [(&str, Vec<u8>, &str); 8] = [
        ("a text", b"s3cr3t-payload".to_vec(), NOT_AN_IMAGE),
        (
            "a web page",
            b"<svg>s3cr3t-payload</svg>".to_vec(),
            NOT_AN_IMAGE,
        ),
        ("no bytes", Vec::new(), "the photo: the file is empty"),
        (
            "half of a PNG",
            good[..good.len() / 2].to_vec(),
            "the photo: the file is truncated",
        ),
        (
            "the start of a PNG",
            good[..8].to_vec(),
            "the photo: the file is truncated",
        ),
        (
            "the start of a JPEG",
            b"\xff\xd8\xff\xe0\0\x10JFIF\0s3cr3t".to_vec(),
            "the photo: the file is truncated",
        ),
        (
            "3.6 gigapixels announced",
            png(60_000, 60_000, b""),
            HUGE_PHOTO,
        ),
        (
            "no pixels",
            png(0, 0, b""),
            "the photo: the file is damaged: Invalid image dimensions",
        ),
    ];
    let mut cases = Vec::new();
    for (name, file, reason) in files {
        let form = multipart(&[(FILE, &file)]);
        for route in ["/predict_image", "/predict"] {
            let name = format!("{route}: {name}");
            cases.push(post(name, route, FORM, form.clone()).detail(400, reason));
        }
        cases.push(post(format!("/v1/cv: {name}"), "/v1/cv", "image/png", file).error(400, reason));
    }
    let two = multipart(&[(FILE, b"s3cr3t-payload"), (FILE, &good[..8])]);
    cases.push(
        post("/v1/cv: two files, both broken", "/v1/cv", FORM, two).error(
            400,
            "none of 2 photos can be read; the first: not a supported image (JPEG, PNG, WebP, BMP, TIFF, GIF)",
        ),
    );
    cases
}

/// A broken form to both kinds of routes, with the reason.
fn refused_form(name: &str, content_type: &str, body: Vec<u8>, reason: &str) -> [Case; 2] {
    [
        post(
            format!("/predict_image: {name}"),
            "/predict_image",
            content_type,
            body.clone(),
        )
        .detail(400, reason),
        post(format!("/v1/cv: {name}"), "/v1/cv", content_type, body).error(400, reason),
    ]
}

pub fn broken_forms() -> Vec<Case> {
    let one = multipart(&[(FILE, b"s3cr3t-payload")]);
    let (boundary, head) = (
        "the content type has no valid boundary",
        "a part of the form has a broken head",
    );
    let long = format!("multipart/form-data; boundary={}", "a".repeat(71));
    let nameless = "Content-Disposition: form-data; filename=\"s3cr3t-payload.jpg\"";
    let mut cases: Vec<Case> = [
        refused_form("no boundary", "multipart/form-data", one.clone(), boundary),
        refused_form("a boundary too long", &long, one.clone(), boundary),
        refused_form(
            "another boundary",
            "multipart/form-data; boundary=s3cr3t-payload",
            one.clone(),
            BROKEN_FORM,
        ),
        refused_form("no body", FORM, Vec::new(), BROKEN_FORM),
        refused_form("no end", FORM, one[..one.len() - 9].to_vec(), BROKEN_FORM),
        refused_form(
            "a part without a name",
            FORM,
            multipart(&[(nameless, b"a")]),
            head,
        ),
        refused_form(
            "a part without a disposition",
            FORM,
            multipart(&[("X: s3cr3t", b"a")]),
            head,
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    let many = format!("--cut\r\n{FILE}\r\n\r\n\r\n").repeat(10_001);
    cases.push(
        post(
            "more parts than are read",
            "/v1/cv",
            FORM,
            many + "--cut--\r\n",
        )
        .error(413, "the form has more than 10000 parts"),
    );
    let file = ["body", "file"];
    let text = "Content-Disposition: form-data; name=\"file\"";
    let upload = "Value error, Expected UploadFile, received: <class 'str'>";
    let mut no_file = wrong("value_error", &file, upload, json!("s3cr3t-payload"));
    no_file["ctx"] = json!({"error": {}});
    let inner =
        "--in\r\nContent-Disposition: file; filename=\"s3cr3t-payload.jpg\"\r\n\r\na\r\n--in--";
    let mixed = format!("{text}\r\nContent-Type: multipart/mixed; boundary=in");
    let mut nested = no_file.clone();
    nested["input"] = json!(inner);
    let predict = |name: &str, body: Vec<u8>| post(name, "/predict_image", FORM, body);
    cases.extend([
        predict("a form without parts", multipart(&[])).details(&[missing(&file, Value::Null)]),
        predict(
            "another field",
            multipart(&[(&FILE.replace("\"file\"", "\"photo\""), b"a")]),
        )
        .details(&[missing(&file, Value::Null)]),
        predict("a text for a file", multipart(&[(text, b"s3cr3t-payload")])).details(&[no_file]),
        predict("a form in a form", multipart(&[(&mixed, inner.as_bytes())])).details(&[nested]),
        post("JSON for a form", "/predict_image", JSON, "{}")
            .details(&[missing(&file, Value::Null)]),
        post(
            "a table's route: no file",
            "/v1/cv",
            FORM,
            multipart(&[(text, b"s3cr3t-payload")]),
        )
        .error(400, "the form has no files"),
    ]);
    cases
}
