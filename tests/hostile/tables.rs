//! Tables for `/v1/TASK`: CSV, JSON and JSON lines that are broken, and rows and parameters that no model can answer.

use super::{
    BROKEN_QUERY, Case, HORIZON, JSON, LENGTH_OF_LIST, UNKNOWN_SERIES, csv, gzip, photo, post,
};

const LINES: &str = "application/x-ndjson";

pub fn csv_tables() -> Vec<Case> {
    let texts = |name: &str, body: &str| csv(name, "/v1/nlp", body);
    vec![
        texts("a column is missing", "txt\ns3cr3t-payload\n").error(
            400,
            "body: there is no column `text`; there are: txt; did you mean `txt`?",
        ),
        texts("no header", "s3cr3t-payload\n").error(
            400,
            "body: there is no column `text`; there are: s3cr3t-payload",
        ),
        texts("nothing but a header", "text\n").error(400, "the body has no rows"),
        texts("nothing", "").error(400, "body: is empty; expected a table with columns and rows"),
        texts("a quote too many", "text\n\"good s3cr3t-payload\nbad\n").error(
            400,
            "body:2: column 1 (text): a quote opened here is never closed; close it, and double every quote inside \
             a quoted text",
        ),
        texts("text behind a quote", "text\ngood\n\"good\" s3cr3t-payload\"\nbad\n").error_begins(
            400,
            "body:3: column 1 (text): text follows the quote that closes this cell",
        ),
        texts("a cell too many", "text,x\na,1\nb,2,s3cr3t-payload\n").error(
            400,
            "body:3: column 3: the row has 3 columns, the header 2; a text that contains the delimiter must be quoted",
        ),
        texts("a cell too few", "text,x\na,1\ns3cr3t-payload\n").error(
            400,
            "body:3: column 2 (x): the row ends before this column: it has 1 of 2",
        ),
        texts("a column twice", "text,text\na,b\n").error(
            400,
            "body:1: column 2: the header name is also that of column 1; give every column its own name",
        ),
        texts("a column without a name", "text,\na,b\n").error(
            400,
            "body:1: column 2: the header name is empty; give every column a name",
        ),
        texts("a column of the answer", "text,prediction\na,b\n").error(
            400,
            "the rows have a column `prediction`, which is the name of an answer's; rename it",
        ),
        texts("NUL bytes", "\0\0\0\0").error(
            400,
            r"body: there is no column `text`; there are: \u{0}\u{0}\u{0}\u{0}",
        ),
        texts("one row too many", &format!("text\n{}", "a\n".repeat(100_001)))
            .error(413, "the request has 100001 rows; at most 100000 are allowed"),
        texts("a text too long", &format!("text\n{}\n", "s3cr3t-payload ".repeat(1_200_000))).error(
            400,
            "body:2: a record longer than 16 MiB; is a quote or a line end missing?",
        ),
        csv("not UTF-8", "/v1/nlp", b"text\na\ns3cr3t \xff\n").error_begins(
            400,
            "body:3: column 1 (text): invalid UTF-8: byte 8 of the text is 0xFF",
        ),
        csv("UTF-32", "/v1/nlp", b"\xff\xfe\0\0t\0\0\0").error_begins(400, "body: is UTF-32LE text"),
        csv("gzip that nobody announced", "/v1/nlp", gzip(b"text\na\n"))
            .error(400, "the body is gzip; say so by `Content-Encoding: gzip`"),
        texts("Parquet", "PAR1s3cr3t-payloadPAR1").error_begins(400, "body: holds a Parquet file, not CSV"),
        texts("a web page", "<html>s3cr3t-payload").error_begins(400, "body: holds a web page, not CSV"),
        texts("JSON", r#"[{"text": "s3cr3t-payload"}]"#).error_begins(400, "body: holds JSON, not CSV"),
    ]
}

pub fn json_tables() -> Vec<Case> {
    let rows = |name: &str, body: &str| post(format!("JSON: {name}"), "/v1/nlp", JSON, body);
    let lines =
        |name: &str, body: &str| post(format!("JSON lines: {name}"), "/v1/nlp", LINES, body);
    let two = "{\"text\": \"a\"}\n{\"text\": \"b\"}\n";
    let third = |line: &str| format!("{two}{line}\n{{\"text\": \"d\"}}\n");
    vec![
        rows("an object for a text", r#"[{"text":"a"},{"text":{"s3cr3t-payload":1}}]"#).error(
            400,
            "body: row 2: column 1 (text): the text is {\"s3cr3t-payload\":1}; expected a text, a number or a boolean",
        ),
        rows("null for a text", r#"[{"text": null}]"#).error(
            400,
            "body: row 1: column 1 (text): the text is missing; fill it in or remove the row",
        ),
        rows("a number for a row", r#"[{"text": "a"}, 5]"#)
            .error_begins(400, "body: row 2: not a JSON object"),
        rows("rows without names", r#"[["text"], ["s3cr3t-payload"]]"#)
            .error_begins(400, "body: row 1: not a JSON object"),
        rows("a text", "\"s3cr3t-payload\"").error_begins(400, "body:1: not a JSON object"),
        rows("no rows", "[]").error(400, "body: is empty; expected a table with columns and rows"),
        rows("a column is missing", r#"[{"txt": "s3cr3t-payload"}]"#).error(
            400,
            "body: there is no column `text`; there are: txt; did you mean `txt`?",
        ),
        rows("a key twice", r#"[{"text": "a", "text": "s3cr3t-payload"}]"#).error(
            400,
            "body: row 1: key `text` is repeated in one object; remove one",
        ),
        rows("NaN", r#"[{"text": NaN}]"#).error(
            400,
            "body: row 1: byte 10 (text): not JSON: JSON has no `NaN`; write null",
        ),
        rows("no end", r#"[{"text": "s3cr3t-payload"}"#).error(
            400,
            "body: row 2: not JSON: the array has no end; is the file cut off?",
        ),
        rows("more behind the end", r#"[{"text": "a"}] s3cr3t-payload"#)
            .error(400, "body: row 2: not JSON: text after the end of the array"),
        post("JSON: not UTF-8", "/v1/nlp", JSON, b"[{\"text\": \"\xff\"}]")
            .error_begins(400, "body: row 1: invalid UTF-8: byte 11 of the text is 0xFF"),
        rows("CSV", "text\ns3cr3t-payload\n").error_begins(400, "body:1: not a JSON object"),
        lines("line 3 is broken", &third(r#"{"text": s3cr3t-payload}"#))
            .error(400, "body:3: byte 10 (text): not JSON: expected value"),
        lines("line 3 has a list", &third(r#"{"text": ["s3cr3t-payload"]}"#)).error(
            400,
            "body:3: column 1 (text): the text is [\"s3cr3t-payload\"]; expected a text, a number or a boolean",
        ),
        lines("line 3 has another key", &third(r#"{"s3cr3t-payload": "c"}"#))
            .error_begins(400, "body:3: key `s3cr3t-payload` is not in the first line"),
        lines("two objects on a line", "{\"text\":\"a\"}{\"text\":\"s3cr3t-payload\"}\n").error(
            400,
            "body:1: byte 13: not JSON: trailing characters; each line must be one object with nothing after it",
        ),
    ]
}

/// Tables whose rows the models cannot answer.
pub fn contents_of_tables() -> Vec<Case> {
    let series = |name: &str, rows: &str| csv(name, "/v1/ts", format!("unique_id,ds,y\n{rows}\n"));
    vec![
        csv("an unknown series", "/v1/ts", "unique_id\ns3cr3t-payload\n").error(404, UNKNOWN_SERIES),
        series("a value that is none", "apples-1,2023-07-21,s3cr3t-payload")
            .error(400, "body:2: column 3 (y): not a number"),
        series("a time that is none", "apples-1,s3cr3t-payload,1")
            .error_begins(400, "series `apples-1`: `s3cr3t-payload` is not a time"),
        series("a value before training", "apples-1,1990-01-01,1").error(
            400,
            "series `apples-1`: 1990-01-01 is before the first value that the model was trained on; retrain the \
             model, or remove the row",
        ),
        csv("times without values", "/v1/ts", "unique_id,ds\napples-1,2023-07-21\n").error(
            400,
            "input `y` is missing beside `ds`; observations have both",
        ),
        csv("none of the columns", "/v1/ts", "a,b\ns3cr3t-payload,2\n").error(
            400,
            "the rows have none of the columns `unique_id`, `ds`, `y`, but `a`, `b`",
        ),
        post(
            "/v1/ts: an object for a value",
            "/v1/ts",
            JSON,
            r#"[{"unique_id": "apples-1", "ds": "2023-07-21", "y": {"s3cr3t-payload": 1}}]"#,
        )
        .error(400, "body: row 1: column 3 (y): not a number"),
        csv("none of the columns", "/v1/recsys", "usr\ns3cr3t-payload\n").error(
            400,
            "the rows have none of the columns `user_id`, `item_id`, `similar_to`, `timestamp`, but `usr`",
        ),
        csv("a user without an id", "/v1/recsys", "user_id,x\n,1\n").error(
            400,
            "body:2: column 1 (user_id): the id is empty; fill it in or remove the row",
        ),
        csv("an unknown item", "/v1/recsys", "similar_to\ns3cr3t-payload\n")
            .error(404, "item `s3cr3t-payload` is unknown to the model"),
        csv("users and items", "/v1/recsys", "user_id,similar_to\ns3cr3t-payload,b\n").error(
            400,
            "inputs `user_id` and `similar_to` are given; ask for one of them",
        ),
        csv(
            "a time that is none",
            "/v1/recsys",
            "user_id,item_id,timestamp\na,b,s3cr3t-payload\n",
        )
        .error_begins(
            400,
            "the request:1: column 3 (timestamp): `s3cr3t-payload` is not a time",
        ),
        csv("nothing", "/v1/recsys", "").error(400, "input `user_id` or `similar_to` is missing"),
    ]
}

pub fn parameters_of_tables() -> Vec<Case> {
    let texts = |query: &str| {
        csv(
            "texts",
            &format!("/v1/nlp?{query}"),
            "text\ns3cr3t-payload\n",
        )
    };
    let mut cases = vec![
        texts("all_classes=perhaps").error(400, "`all_classes` must be true or false"),
        texts("outputs=s3cr3t-payload").error(
            400,
            "unknown output `s3cr3t-payload`; expected one of `prediction`, `probability`, `class`, \
             `probabilities`, `ngram`, `contribution`",
        ),
        texts("s3cr3t-payload=1")
            .error(400, "unknown parameter `s3cr3t-payload`; expected one of `top_k`"),
        texts("top_k=3").error(
            400,
            "parameter `top_k` is for the outputs `ngram` and `contribution`; ask for them by name",
        ),
        texts("top_k=%zz").error(400, BROKEN_QUERY),
        csv("steps twice", "/v1/ts?horizon=3&horizon=4", "").error(400, "`horizon` is given twice"),
        csv("a level that is none", "/v1/ts?horizon=1&levels=80,x", "")
            .error(400, "parameter `levels` must be a list of numbers"),
        csv("a level of nothing", "/v1/ts?horizon=1&levels=0", "").error(
            400,
            "parameter `levels`: 0 is not between 0 and 100 per cent",
        ),
        post("/v1/cv: a parameter of lists", "/v1/cv?k=1", "image/png", photo())
            .error(400, "unknown parameter `k`; expected one of `judge_all`"),
    ];
    for horizon in ["0", "-1", "1000000000", "x", "", "1.5"] {
        let target = format!("/v1/ts?horizon={horizon}");
        cases.push(csv("steps", &target, "").error(400, HORIZON));
    }
    for k in ["0", "-1", "10001", "1000000000", "x"] {
        let target = format!("/v1/recsys?k={k}");
        cases.push(csv("list", &target, "user_id\ns3cr3t-payload\n").error(400, LENGTH_OF_LIST));
    }
    cases
}
