//! Each way to tamper with a log, and each way that a server can end.

use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::verify::{Signed, Verified};
use super::*;

/// Made by `openssl genpkey -algorithm ed25519`, as the next two.
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEILtZjIu32H2nxOa9GBcOnj1lfD24jGFpLhpsqEKYJQaI
-----END PRIVATE KEY-----
";
/// Made of it by `openssl pkey -pubout`.
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAbJf4KsesectDFl+ov01tAhXBjB6n8n+1f06nY41FKs4=
-----END PUBLIC KEY-----
";
/// First digits of `openssl pkey -pubin -outform DER | tail -c 32 | sha256sum`.
const ID: &str = "8989c5872f884ffe";
const OTHER_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIKhViJ1AvIaPv1rEZYEcZRSt0tUItt/InOEmPru66c+1
-----END PRIVATE KEY-----
";

/// Lines of [`Logs::write_50`].
const LINES: u64 = 50;

/// A folder with keys and logs.
struct Logs {
    folder: tempfile::TempDir,
    is_signed: bool,
}

impl Logs {
    fn new(is_signed: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("key", KEY), ("public", PUBLIC), ("other", OTHER_KEY)] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self { folder, is_signed }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self) -> Result<Audit> {
        let key = self.is_signed.then(|| self.at("key"));
        Audit::open(&self.at("log"), key.as_deref())
    }

    fn opened(&self) -> Audit {
        self.open().unwrap()
    }

    /// A log of 50 lines: start, head, 46 requests, end, head; without a key two requests more.
    fn write_50(&self) {
        let audit = self.opened();
        record(&audit, if self.is_signed { 46 } else { 48 });
        audit.finish().unwrap();
        assert_eq!(self.lines().len() as u64, LINES);
    }

    fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.at("log")).unwrap();
        text.lines().map(|line| format!("{line}\n")).collect()
    }

    fn set(&self, lines: &[String]) {
        std::fs::write(self.at("log"), lines.concat()).unwrap();
    }

    fn verify(&self, names: &[&str]) -> Verified {
        let paths: Vec<PathBuf> = names.iter().map(|name| self.at(name)).collect();
        let key = self.is_signed.then(|| self.at("public"));
        verify(&paths, key.as_deref(), None).unwrap()
    }

    /// What is wrong with the log, and in which line.
    fn problem(&self) -> (u64, Flaw) {
        let verified = self.verify(&["log"]);
        let problem = verified.problem.expect("the log is broken");
        (problem.line, problem.flaw)
    }

    fn move_away(&self, name: &str) {
        std::fs::rename(self.at("log"), self.at(name)).unwrap();
    }
}

fn access(request_id: &str) -> Access<'_> {
    Access {
        request_id,
        who: "shop",
        method: "POST",
        route: "/v2/models/{model}/infer",
        status: 200,
        rows: 1,
        model: "nlp",
        version: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        micros: 12,
        bytes_in: 100,
        bytes_out: 50,
    }
}

fn record(audit: &Audit, count: usize) {
    for number in 0..count {
        audit.record(&access(&format!("request-{number}")));
    }
    audit.flush().unwrap();
}

/// The members of a line between its number and its hash.
fn members(line: &str) -> String {
    let (text, _) = chain::split(line.trim_end().as_bytes()).unwrap();
    let text = std::str::from_utf8(text).unwrap();
    text.split_once(',').unwrap().1.to_owned()
}

/// Number and hash of a line.
fn head_of(line: &str) -> Head {
    let read: serde_json::Value = serde_json::from_str(line).unwrap();
    let (_, hash) = chain::split(line.trim_end().as_bytes()).unwrap();
    let n = read["n"].as_u64().unwrap();
    Head { n, hash }
}

/// The next line, as anybody can compute it.
fn next(head: &mut Head, members: &str) -> String {
    let mut out = Vec::new();
    head.append(members.as_bytes(), &mut out);
    String::from_utf8(out).unwrap()
}

/// A chain as somebody without the key computes it anew from the lines of another one.
fn computed_anew(lines: &[String]) -> (Vec<String>, Head) {
    let mut head = Head::default();
    let anew = lines.iter().map(|line| next(&mut head, &members(line)));
    (anew.collect(), head)
}

#[test]
fn what_was_asked_is_recorded_and_nothing_else() {
    let logs = Logs::new(true);
    let audit = logs.opened();
    let probe = Access {
        model: "",
        route: "/v2/health/ready",
        ..access("probe")
    };
    let refused = Access {
        status: 401,
        ..probe
    };
    let load = Access {
        route: "/v2/repository/models/{model}/load",
        status: 404,
        ..probe
    };
    let odd = Access {
        who: "\"\\\n\u{1}é",
        ..access("odd")
    };
    for access in [probe, refused, load, odd, access("plain")] {
        audit.record(&access);
    }
    audit.finish().unwrap();
    let lines = logs.lines();
    let read = |line: &String| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let read: Vec<_> = lines.iter().map(read).collect();
    let kinds: Vec<_> = read
        .iter()
        .map(|line| line["kind"].as_str().unwrap())
        .collect();
    let expected = [
        "start", "head", "request", "request", "request", "request", "end", "head",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(
        (&read[2]["status"], &read[3]["status"]),
        (&401.into(), &404.into())
    );
    assert_eq!(read[4]["who"], "\"\\\n\u{1}é");
    assert_eq!(read[1]["key"], ID);
    let plain = &lines[5];
    assert!(plain.starts_with(r#"{"n":6,"time":"#), "{plain}");
    assert!(plain.contains(
        r#","kind":"request","who":"shop","method":"POST","route":"/v2/models/{model}/infer","model":"nlp","digest":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","status":200,"rows":1,"id":"plain","hash":""#
    ));
    assert!(logs.verify(&["log"]).is_sound());
}

#[test]
fn a_sound_log_is_told_with_its_head() {
    for is_signed in [true, false] {
        let logs = Logs::new(is_signed);
        logs.write_50();
        let verified = logs.verify(&["log"]);
        assert_eq!(
            (verified.records, verified.last, verified.crashes),
            (LINES, LINES, 0)
        );
        let expected = if is_signed {
            (Signed::Valid, 2, 0)
        } else {
            (Signed::No, 0, 50)
        };
        assert_eq!(
            (verified.signed, verified.signatures, verified.unsigned),
            expected
        );
        let text = verified.to_string();
        assert!(
            text.starts_with("sound: 50 records, 1 to 50, from 20"),
            "{text}"
        );
        let json = serde_json::to_value(&verified).unwrap();
        assert_eq!(
            (&json["problem"], json["begin"].as_str().unwrap().len()),
            (&serde_json::Value::Null, 24)
        );
    }
}

#[test]
fn an_edited_line_is_found_whichever_it_is() {
    let logs = Logs::new(true);
    logs.write_50();
    let lines = logs.lines();
    for (place, line) in lines.iter().enumerate() {
        let number = place as u64 + 1;
        let mut edited = lines.clone();
        edited[place] = line.replacen(r#""kind":""#, r#""kind":"x"#, 1);
        logs.set(&edited);
        let (found, _) = logs.problem();
        assert_eq!(found, number);
        // With its own hash made to fit, the next line does not follow any more.
        let before = place.checked_sub(1).map(|before| head_of(&lines[before]));
        let members = members(&edited[place]);
        edited[place] = next(&mut before.unwrap_or_default(), &members);
        logs.set(&edited);
        let (found, _) = logs.problem();
        assert!((number..=number + 1).contains(&found), "{number}: {found}");
    }
}

#[test]
fn lines_that_were_cut_or_swapped_are_found_whichever_they_are() {
    for is_signed in [true, false] {
        let logs = Logs::new(is_signed);
        logs.write_50();
        let lines = logs.lines();
        for place in 0..lines.len() {
            let number = place as u64 + 1;
            let mut cut = lines.clone();
            cut.remove(place);
            logs.set(&cut);
            let (found, flaw) = logs.problem();
            let expected = match number {
                1 => (1, Flaw::NotStart { found: 2 }),
                LINES => {
                    let (last, n, head) = (LINES - 1, LINES, logs.at("log.head"));
                    (LINES - 1, Flaw::Cut { last, n, head })
                }
                _ => (
                    number,
                    Flaw::Number {
                        expected: number,
                        found: number + 1,
                    },
                ),
            };
            assert_eq!((found, flaw), expected);
            if number < LINES {
                let mut swapped = lines.clone();
                swapped.swap(place, place + 1);
                logs.set(&swapped);
                assert_eq!(logs.problem().0, number);
            }
        }
    }
}

#[test]
fn a_tail_that_was_cut_is_found_and_no_server_goes_on_from_it() {
    for is_signed in [true, false] {
        let logs = Logs::new(is_signed);
        logs.write_50();
        let lines = logs.lines();
        for kept in 0..lines.len() {
            logs.set(&lines[..kept]);
            let (_, flaw) = logs.problem();
            let is_expected = matches!(
                flaw,
                Flaw::Cut { n: LINES, .. } | Flaw::NothingSigned { .. }
            );
            assert!(is_expected, "{kept}: {flaw}");
            if kept > 0 {
                let error = logs.open().err().unwrap().to_string();
                assert!(error.contains("move"), "{error}");
            }
        }
        // In the middle of a line, too.
        let text = lines.concat();
        std::fs::write(logs.at("log"), &text[..text.len() - 10]).unwrap();
        assert!(matches!(logs.problem(), (LINES, Flaw::Torn { .. })));
        assert!(logs.open().is_err());
    }
}

#[test]
fn a_log_without_its_head_or_with_another_is_found() {
    let logs = Logs::new(true);
    logs.write_50();
    let lines = logs.lines();
    let head = std::fs::read_to_string(logs.at("log.head")).unwrap();
    std::fs::remove_file(logs.at("log.head")).unwrap();
    assert!(matches!(
        logs.problem(),
        (LINES, Flaw::NoHead { last: LINES, .. })
    ));
    assert!(logs.open().is_err());
    // A signature of the log makes no head file.
    logs.set(&lines[..2]);
    let record: serde_json::Value = serde_json::from_str(&lines[1]).unwrap();
    let before: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    let forged = serde_json::json!({"n": 1, "hash": before["hash"], "key": ID, "signature": record["signature"]});
    std::fs::write(logs.at("log.head"), forged.to_string()).unwrap();
    assert_eq!(
        logs.problem(),
        (1, Flaw::HeadSignature { id: ID.to_owned() })
    );
    assert!(logs.open().is_err());
    // Nor does one without a signature.
    let unsigned = serde_json::json!({"n": 2, "hash": serde_json::from_str::<serde_json::Value>(&lines[1]).unwrap()["hash"]});
    std::fs::write(logs.at("log.head"), unsigned.to_string()).unwrap();
    assert!(matches!(logs.problem(), (1, Flaw::HeadSignature { .. })));
    // A copy that was kept elsewhere finds that both were put back.
    std::fs::write(logs.at("copy"), head).unwrap();
    let (key, copy) = (logs.at("public"), logs.at("copy"));
    let verified = verify(&[logs.at("log")], Some(&key), Some(&copy)).unwrap();
    assert!(matches!(
        verified.problem.unwrap().flaw,
        Flaw::Cut {
            last: 2,
            n: LINES,
            ..
        }
    ));
}

#[test]
fn a_line_that_was_added_without_the_key_is_found() {
    let logs = Logs::new(true);
    logs.write_50();
    let lines = logs.lines();
    let last = head_of(&lines[49]);
    let request = r#""time":1.000,"kind":"request","who":"shop","#;
    let with = |added: &[String]| [&lines[..], added].concat();
    logs.set(&with(&[next(&mut last.clone(), request)]));
    assert!(matches!(
        logs.problem(),
        (51, Flaw::OutOfPlace { n: 51, .. })
    ));
    assert!(logs.open().is_err());
    // Behind a start that was added, too.
    let mut head = last;
    let start = format!(
        r#""time":1.000,"kind":"start","reason":"start","previous":"{}","#,
        Hex(&last.hash)
    );
    let start = next(&mut head, &start);
    logs.set(&with(&[start.clone(), next(&mut head.clone(), request)]));
    assert!(matches!(
        logs.problem(),
        (52, Flaw::OutOfPlace { n: 52, .. })
    ));
    let zeros = "0".repeat(128);
    let signature = format!(r#""time":1.000,"kind":"head","key":"{ID}","signature":"{zeros}","#);
    logs.set(&with(&[start, next(&mut head, &signature)]));
    assert_eq!(
        logs.problem(),
        (
            52,
            Flaw::Signature {
                n: 51,
                id: ID.to_owned()
            }
        )
    );
}

#[test]
fn records_behind_the_last_signature_are_counted() {
    let logs = Logs::new(true);
    let audit = logs.opened();
    record(&audit, 3);
    let verified = logs.verify(&["log"]);
    assert_eq!((verified.records, verified.unsigned), (5, 3));
    assert!(
        verified
            .to_string()
            .contains("records behind the last signature: 3")
    );
    // Whoever edits them while the server runs breaks the chain that it goes on with.
    let mut lines = logs.lines();
    let edited = members(&lines[4]).replace("shop", "bank");
    lines[4] = next(&mut head_of(&lines[3]), &edited);
    logs.set(&lines);
    assert!(logs.verify(&["log"]).is_sound());
    record(&audit, 1);
    assert_eq!(logs.problem(), (6, Flaw::Hash { n: 6 }));
}

#[test]
fn a_log_that_was_computed_anew_is_found() {
    let logs = Logs::new(true);
    logs.write_50();
    let mut lines = logs.lines();
    lines[10] = lines[10].replace("shop", "bank");
    // With the signatures of the old one, and its head.
    let (anew, _) = computed_anew(&lines);
    logs.set(&anew);
    assert!(matches!(
        logs.problem(),
        (
            50,
            Flaw::Rewritten { n: LINES, .. } | Flaw::Signature { .. }
        )
    ));
    // With a head of its own.
    let without: Vec<String> = lines
        .iter()
        .filter(|line| !line.contains(r#""kind":"head""#))
        .cloned()
        .collect();
    let (anew, head) = computed_anew(&without);
    logs.set(&anew);
    HeadFile::write(&logs.at("log"), &head, None).unwrap();
    assert!(matches!(logs.problem(), (2, Flaw::OutOfPlace { .. })));
    assert!(logs.open().is_err());
    // With a key of its own.
    std::fs::remove_file(logs.at("log")).unwrap();
    std::fs::remove_file(logs.at("log.head")).unwrap();
    let audit = Audit::open(&logs.at("log"), Some(&logs.at("other"))).unwrap();
    record(&audit, 46);
    audit.finish().unwrap();
    drop(audit);
    assert_eq!(
        logs.problem(),
        (
            2,
            Flaw::Signature {
                n: 1,
                id: ID.to_owned()
            }
        )
    );
    assert!(logs.open().is_err());
    // Without the key it is sound, and says that signatures are not checked.
    let verified = verify(&[logs.at("log")], None, None).unwrap();
    assert!(verified.is_sound() && verified.signed == Signed::NotChecked);
    // A log that was never signed is not one of the key.
    let logs = Logs::new(false);
    logs.write_50();
    let key = logs.at("public");
    let verified = verify(&[logs.at("log")], Some(&key), None).unwrap();
    assert!(!verified.is_sound());
    assert!(Audit::open(&logs.at("log"), Some(&logs.at("key"))).is_err());
}

#[test]
fn a_server_without_the_key_does_not_go_on_with_a_signed_log() {
    let logs = Logs::new(true);
    logs.write_50();
    let error = Audit::open(&logs.at("log"), None)
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("is signed, and no audit-key is given"),
        "{error}"
    );
}

#[test]
fn the_chain_goes_on_over_files() {
    for is_signed in [true, false] {
        let logs = Logs::new(is_signed);
        let audit = logs.opened();
        record(&audit, 5);
        // Nothing was moved: SIGHUP is for models, too.
        audit.reopen().unwrap();
        record(&audit, 5);
        logs.move_away("log.2");
        record(&audit, 5);
        audit.reopen().unwrap();
        record(&audit, 5);
        logs.move_away("log.1");
        audit.reopen().unwrap();
        record(&audit, 5);
        audit.finish().unwrap();
        drop(audit);
        let all = ["log.2", "log.1", "log"];
        let verified = logs.verify(&all);
        assert!(verified.is_sound(), "{verified}");
        let lines = all.map(|name| {
            std::fs::read_to_string(logs.at(name))
                .unwrap()
                .lines()
                .count() as u64
        });
        assert_eq!(verified.records, lines.iter().sum::<u64>());
        assert_eq!(verified.crashes, 0);
        // Each is sound by itself, too; the head is that of the last one.
        for name in all {
            let verified = logs.verify(&[name]);
            assert!(verified.is_sound(), "{name}: {verified}");
        }
        for (wrong, expected) in [
            (&["log.2", "log"][..], "does not continue"),
            (&["log.1", "log.2", "log"], "does not continue"),
        ] {
            let text = logs.verify(wrong).to_string();
            assert!(text.contains(expected), "{text}");
        }
        // A file that was moved away while no server ran is gone on from, too.
        logs.move_away("log.0");
        let audit = logs.opened();
        record(&audit, 1);
        let verified = logs.verify(&["log.2", "log.1", "log.0", "log"]);
        assert!(verified.is_sound() && verified.crashes == 0, "{verified}");
        // One that was cut has lost the line that says so.
        drop(audit);
        let text = std::fs::read_to_string(logs.at("log.1")).unwrap();
        let kept: Vec<&str> = text.split_inclusive('\n').collect();
        std::fs::write(logs.at("log.1"), kept[..kept.len() - 1].concat()).unwrap();
        let text = logs.verify(&["log.2", "log.1", "log.0", "log"]).to_string();
        assert!(text.contains("does not continue"), "{text}");
        std::fs::write(logs.at("log.1"), kept[..3].concat()).unwrap();
        assert!(matches!(
            logs.verify(&["log.1"]).problem.unwrap().flaw,
            Flaw::NoHead { .. }
        ));
    }
}

#[test]
fn a_restarted_server_goes_on_and_a_crash_is_counted() {
    let logs = Logs::new(true);
    logs.write_50();
    let audit = logs.opened();
    record(&audit, 2);
    drop(audit);
    let audit = logs.opened();
    audit.finish().unwrap();
    drop(audit);
    let verified = logs.verify(&["log"]);
    assert!(verified.is_sound(), "{verified}");
    // start, head, two requests; start, head, end, head
    assert_eq!((verified.records, verified.crashes), (LINES + 8, 1));
    let text = std::fs::read_to_string(logs.at("log")).unwrap();
    assert_eq!(text.matches(r#""kind":"start""#).count(), 3);
}

#[test]
fn half_a_line_of_a_power_cut_is_cut_off_and_said() {
    for is_signed in [true, false] {
        let logs = Logs::new(is_signed);
        let audit = logs.opened();
        record(&audit, 3);
        drop(audit);
        let text = std::fs::read_to_string(logs.at("log")).unwrap();
        let torn = &text[..text.len() - 100];
        std::fs::write(logs.at("log"), torn).unwrap();
        let left = torn.len() - torn.rfind('\n').unwrap() - 1;
        drop(logs.opened());
        let verified = logs.verify(&["log"]);
        assert!(verified.is_sound(), "{verified}");
        let text = std::fs::read_to_string(logs.at("log")).unwrap();
        assert!(
            text.contains(&format!(r#""kind":"torn","bytes":{left},"#)),
            "{text}"
        );
    }
    // A file that holds nothing else is a new one.
    let logs = Logs::new(true);
    std::fs::write(logs.at("log"), r#"{"n":1,"ti"#).unwrap();
    drop(logs.opened());
    assert!(logs.verify(&["log"]).is_sound());
}

#[test]
fn a_broken_log_is_refused_with_file_and_line() {
    let logs = Logs::new(true);
    logs.write_50();
    let mut lines = logs.lines();
    lines[7] = lines[7].replace("shop", "bank");
    logs.set(&lines);
    assert!(Audit::check(&logs.at("log"), Some(&logs.at("key"))).is_err());
    let error = logs.open().err().unwrap();
    assert_eq!(exit::code(&error), exit::Exit::Data);
    let text = error.to_string();
    assert!(
        text.contains("log, line 8: the hash of record 8 does not follow"),
        "{text}"
    );
    assert_eq!(logs.lines(), lines);
}

#[test]
fn what_cannot_be_written_is_written_later_and_what_has_no_room_is_counted() {
    let logs = Logs::new(true);
    let audit = logs.opened();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let own = std::mem::replace(&mut lock(&audit.writer).file, full);
    audit.record(&access("first"));
    assert!(audit.flush().is_err());
    let mut dropped = 0;
    while dropped < 5 {
        audit.record(&access("more"));
        dropped = lock(&audit.waiting).lost;
    }
    assert!(audit.flush().is_err());
    lock(&audit.writer).file = own;
    audit.flush().unwrap();
    audit.record(&access("last"));
    audit.finish().unwrap();
    drop(audit);
    let verified = logs.verify(&["log"]);
    assert!(verified.is_sound(), "{verified}");
    assert_eq!(verified.lost, 5);
    assert!(verified.to_string().contains("could not be written: 5"));
    let text = std::fs::read_to_string(logs.at("log")).unwrap();
    assert_eq!(text.matches(r#""id":"first""#).count(), 1);
}

/// A file that cannot take the place of the old one leaves the old one, whose chain goes on.
#[test]
fn a_reopening_that_fails_changes_nothing() {
    let logs = Logs::new(true);
    let audit = logs.opened();
    logs.move_away("log.1");
    std::fs::write(logs.at("log"), "something").unwrap();
    assert!(
        audit
            .reopen()
            .unwrap_err()
            .to_string()
            .ends_with("is not empty")
    );
    record(&audit, 1);
    std::fs::remove_file(logs.at("log")).unwrap();
    std::os::unix::fs::symlink(logs.at("missing/log"), logs.at("log")).unwrap();
    assert!(audit.reopen().is_err());
    record(&audit, 1);
    std::fs::remove_file(logs.at("log")).unwrap();
    // The end cannot be written at first.
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let own = std::mem::replace(&mut lock(&audit.writer).file, full);
    assert!(audit.reopen().is_err());
    lock(&audit.writer).file = own;
    record(&audit, 1);
    audit.reopen().unwrap();
    audit.finish().unwrap();
    let verified = logs.verify(&["log.1", "log"]);
    assert!(verified.is_sound(), "{verified}");
}

#[test]
fn a_server_that_is_killed_while_it_opens_another_file_leaves_a_head_to_go_on_from() {
    for is_created in [false, true] {
        let logs = Logs::new(true);
        let audit = logs.opened();
        record(&audit, 3);
        logs.move_away("log.1");
        lock(&audit.writer).end("reopen").unwrap();
        drop(audit);
        if is_created {
            std::fs::write(logs.at("log"), "").unwrap();
        }
        drop(logs.opened());
        let verified = logs.verify(&["log.1", "log"]);
        assert!(verified.is_sound(), "{verified}");
    }
}

#[test]
fn heads_are_signed_at_intervals() {
    let logs = Logs::new(true);
    let audit = logs.opened();
    record(&audit, 1_000);
    assert_eq!(
        logs.verify(&["log"]).unsigned,
        1_000,
        "too soon after the last one"
    );
    lock(&audit.writer).signed_at -= SIGNED_PAUSE;
    audit.flush().unwrap();
    assert_eq!(logs.verify(&["log"]).unsigned, 0);
    record(&audit, 1);
    lock(&audit.writer).signed_at -= SIGNED_INTERVAL;
    audit.flush().unwrap();
    let verified = logs.verify(&["log"]);
    assert_eq!((verified.signatures, verified.unsigned), (3, 0));
}

#[test]
fn a_log_has_one_server_and_nobody_else_reads_it() {
    let logs = Logs::new(false);
    let audit = logs.opened();
    let error = format!("{:#}", logs.open().err().unwrap());
    assert!(error.contains("another server writes"), "{error}");
    let mode = std::fs::metadata(logs.at("log"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(audit);
    logs.opened();
}

#[test]
fn keys_that_do_not_fit_are_refused() {
    let logs = Logs::new(true);
    std::fs::write(logs.at("none"), "nothing").unwrap();
    for (key, expected) in [
        ("none", "no such key in PEM"),
        ("public", "no such key in PEM"),
        ("missing", "No such file"),
    ] {
        let error = Audit::open(&logs.at("log"), Some(&logs.at(key)))
            .err()
            .unwrap();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(exit::code(&error), exit::Exit::Usage);
    }
    assert!(!logs.at("log").exists());
    logs.write_50();
    assert!(verify(&[logs.at("log")], Some(&logs.at("key")), None).is_err());
}

/// Writing is on a thread of its own, which ends with the log.
#[test]
fn requests_of_many_threads_are_in_one_chain() {
    let logs = Logs::new(true);
    let audit = Arc::new(logs.opened());
    let talk = Talk {
        verbosity: -1,
        color: false,
    };
    audit.start(talk);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    audit.record(&access("id"));
                }
            });
        }
    });
    audit.finish().unwrap();
    let verified = logs.verify(&["log"]);
    assert!(verified.is_sound(), "{verified}");
    let text = std::fs::read_to_string(logs.at("log")).unwrap();
    assert_eq!(text.matches(r#""kind":"request""#).count(), 8_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Any byte, any piece.
    #[test]
    fn no_change_is_overlooked(place in any::<prop::sample::Index>(), length in 0usize..400, put in prop::collection::vec(any::<u8>(), 0..4)) {
        let logs = Logs::new(true);
        let audit = logs.opened();
        record(&audit, 6);
        audit.finish().unwrap();
        let text = std::fs::read(logs.at("log")).unwrap();
        let start = place.index(text.len());
        let end = (start + length).min(text.len());
        let changed = [&text[..start], &put, &text[end..]].concat();
        prop_assume!(changed != text);
        std::fs::write(logs.at("log"), changed).unwrap();
        prop_assert!(!logs.verify(&["log"]).is_sound());
        prop_assert!(audit.reopen().is_ok());
    }
}
