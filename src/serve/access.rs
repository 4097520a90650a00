//! The access log: a line of JSON for each request, without its content.

use std::io::Write;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use server::Access;
use server::access::AccessLog;

use super::audit::Audit;
use super::lines::Lines;

/// What the server calls for each request; none where nobody wants to know.
pub fn callback(lines: Option<Arc<Lines>>, audit: Option<Arc<Audit>>) -> Option<AccessLog> {
    if lines.is_none() && audit.is_none() {
        return None;
    }
    Some(Box::new(move |access| {
        if let Some(lines) = &lines {
            lines.add(|out| line(access, out));
        }
        if let Some(audit) = &audit {
            audit.record(access);
        }
    }))
}

/// Ids, names and versions are harmless by then; nothing else is a text.
fn line(access: &Access<'_>, out: &mut Vec<u8>) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let version = access.version.get(..12).unwrap_or(access.version);
    // Writing to memory does not fail.
    let _ = writeln!(
        out,
        r#"{{"time":{}.{:03},"id":"{}","who":"{}","method":"{}","route":"{}","status":{},"rows":{},"model":"{}","version":"{}","micros":{},"bytes_in":{},"bytes_out":{}}}"#,
        now.as_secs(),
        now.subsec_millis(),
        access.request_id,
        access.who,
        access.method,
        access.route,
        access.status,
        access.rows,
        access.model,
        version,
        access.micros,
        access.bytes_in,
        access.bytes_out
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_json() {
        let access = Access {
            request_id: "first",
            who: "shop",
            method: "POST",
            route: "/v2/models/{model}/infer",
            status: 200,
            rows: 1,
            model: "nlp",
            version: "0123456789abcdef",
            micros: 12,
            bytes_in: 100,
            bytes_out: 50,
        };
        let mut out = Vec::new();
        line(&access, &mut out);
        let line: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(
            (&line["id"], &line["version"]),
            (&"first".into(), &"0123456789ab".into())
        );
    }
}
