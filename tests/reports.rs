//! Pages that people read: what they were made of, how they link to each other, and the page with all tasks.

mod support;

use std::path::Path;

use support::Workdir;

/// A small project of texts with everything measured.
fn measured() -> Workdir {
    let dir = Workdir::trained();
    dir.ok(&["validate", "nlp"]);
    dir.ok(&["validate", "nlp", "--prepared"]);
    dir.ok(&["evaluate", "nlp"]);
    dir
}

/// Addresses of a page's links.
fn links(page: &str) -> Vec<&str> {
    page.split("<a href=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect()
}

#[test]
fn pages_link_to_each_other_and_say_what_they_were_made_of() {
    let dir = measured();
    for page in [
        "reports/nlp.html",
        "reports/validate/nlp.html",
        "reports/validate/nlp.prepared.html",
        "reports/index.html",
    ] {
        let html = dir.read(page);
        let folder = dir.path(page).parent().unwrap().to_owned();
        let found = links(&html);
        assert!(found.len() >= 3, "{page}: {found:?}");
        for link in found {
            assert!(
                folder.join(Path::new(link)).is_file(),
                "{page} links to {link}"
            );
        }
        for foreign in ["<script", "http:", "https:", dir.path("").to_str().unwrap()] {
            assert!(!html.contains(foreign), "{page} holds {foreign}");
        }
    }
    let html = dir.read("reports/nlp.html");
    let model = dir.json("metrics/nlp.json")["model"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(html.contains(&model), "the digest of the model");
    assert!(html.contains("<code>easylife evaluate nlp</code>"));
    assert!(html.contains("seed") && html.contains("model.C"));
    let training = html.split("Training data").nth(1).unwrap();
    let digest = training
        .split("<code>")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    let prepared = dir.read("reports/validate/nlp.prepared.html");
    assert_eq!(digest.len(), 64);
    assert!(
        prepared.contains(digest),
        "the page of the parts has the same digest"
    );
}

#[test]
fn a_parameter_set_for_one_call_is_in_the_command() {
    let dir = Workdir::trained();
    dir.ok(&["evaluate", "nlp", "-S", "nlp.eval.slices=[label]"]);
    let html = dir.read("reports/nlp.html");
    assert!(
        html.contains("easylife evaluate nlp -S &#39;nlp.eval.slices=[label]&#39;"),
        "{html}"
    );
}

#[test]
fn the_page_with_all_tasks_follows_what_is_there() {
    let dir = Workdir::project();
    dir.ok(&["sample", "nlp", "-S", "nlp.sample.rows=400"]);
    assert!(
        !dir.exists("reports/index.html"),
        "there is nothing to show"
    );
    dir.ok(&["validate", "nlp"]);
    let first = dir.read("reports/index.html");
    assert!(first.contains("not measured yet") && !first.contains("href=\"nlp.html\""));
    dir.ok(&["prepare", "nlp"]);
    dir.ok(&["train", "nlp"]);
    dir.ok(&["evaluate", "nlp"]);
    let measured = dir.read("reports/index.html");
    assert!(measured.contains("\u{2713} met") && measured.contains("href=\"nlp.html\""));
    assert!(measured.contains("Accuracy <strong>"));

    let params = dir.read("params.yaml");
    let bound = params.find("accuracy: {min: ").expect("the gate of nlp");
    let (before, after) = params.split_at(bound);
    let rest = &after[after.find('}').unwrap()..];
    dir.write("params.yaml", format!("{before}accuracy: {{min: 1.0{rest}"));
    assert_eq!(dir.run(&["gate", "nlp"]).code, 3);
    let missed = dir.read("reports/index.html");
    assert!(
        missed.contains("Gate missed: nlp.") && missed.contains("at least 1"),
        "{missed}"
    );

    dir.ok(&["train", "nlp", "-S", "nlp.model.C=3"]);
    assert!(
        dir.read("reports/index.html")
            .contains("To be evaluated again: nlp.")
    );
    let leftovers: Vec<_> = std::fs::read_dir(dir.path("reports"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().starts_with('.'))
        .collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");
}

#[test]
fn passed_rules_and_repeated_texts_are_shown() {
    let text = "text,label\nfine film,pos\nbad film,neg\nfine film,pos\nso so,neg\nfine film,neg\n";
    let dir = Workdir::with_source("t.csv", text);
    dir.ok(&["validate", "nlp"]);
    let html = dir.read("reports/validate/nlp.html");
    assert!(html.contains("Rules that hold"), "{html}");
    assert!(html.contains("share of texts with control characters or broken letters"));
    let found = dir.json("reports/validate/nlp.json");
    let passed = found["passed"].as_array().unwrap();
    assert!(passed.iter().any(|rule| rule["rule"] == "damaged"));
    assert!(passed.iter().all(|rule| rule["rule"] != "duplicates"));
    assert!(
        passed.iter().all(|rule| rule["rule"] != "leakage"),
        "that is of the parts"
    );
    let repeated = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["rule"] == "duplicates")
        .unwrap();
    assert_eq!(repeated["rows"][0]["text"], "fine film");
    assert!(html.contains("<bdi>fine film</bdi>"), "{html}");
    assert!(
        html.contains("class=\"badge warning\""),
        "severity has a colour"
    );
}
