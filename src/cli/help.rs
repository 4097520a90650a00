//! Examples of every verb, shown by `--help` and in the manual.

use clap::{ColorChoice, Command, CommandFactory};

use super::args::Cli;

/// Example commands by verb. A test parses each of them.
const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "init",
        &[
            "easylife init",
            "easylife init reviews --task nlp --source reviews.csv --text review --label sentiment",
            "easylife init demand --task ts --source sales.csv --time date --value units --id store",
        ],
    ),
    (
        "sample",
        &[
            "easylife sample all",
            "easylife sample nlp -S nlp.sample.rows=500",
            "easylife sample cv --from photos/sharp",
        ],
    ),
    (
        "validate",
        &[
            "easylife validate nlp",
            "easylife validate nlp --init",
            "easylife validate all --prepared",
            "easylife validate nlp --labels --export suspects.csv",
        ],
    ),
    (
        "profile",
        &[
            "easylife profile sales.csv",
            "easylife profile data/*.parquet -o profile.html",
        ],
    ),
    (
        "prepare",
        &[
            "easylife prepare ts",
            "easylife prepare nlp -S nlp.data.source=reviews.csv -S nlp.data.text=review",
        ],
    ),
    (
        "train",
        &[
            "easylife train nlp",
            "easylife train recsys -S recsys.model.kind=ease",
        ],
    ),
    (
        "evaluate",
        &["easylife evaluate nlp", "easylife evaluate all --json"],
    ),
    ("gate", &["easylife gate nlp", "easylife gate all"]),
    #[cfg(feature = "serve")]
    (
        "serve",
        &[
            "easylife serve",
            "easylife serve nlp cv --listen nlp=127.0.0.1:8001 --listen cv=127.0.0.1:8002",
            "easylife serve -m nlp=nlp.safetensors --listen 0.0.0.0:8080 --access-log access.log",
            "easylife serve --check",
        ],
    ),
    #[cfg(feature = "serve")]
    (
        "replay",
        &[
            "easylife replay requests.log -m next.safetensors",
            "easylife replay requests.log.2 requests.log.1 requests.log -m nlp -o replay.html --changes changes.jsonl",
        ],
    ),
    #[cfg(feature = "serve")]
    (
        "audit",
        &[
            "easylife audit audit.log",
            "easylife audit audit.log.1 audit.log --key public.pem",
        ],
    ),
    (
        "compare",
        &[
            "easylife compare HEAD~1",
            "easylife compare main HEAD",
            "easylife compare old/metrics/nlp.json metrics/nlp.json",
            "easylife compare yesterday.safetensors models/nlp.safetensors",
        ],
    ),
    (
        "predict",
        &[
            "easylife predict nlp \"a fine film\"",
            "easylife predict recsys --user u0001 --k 5",
            "easylife predict nlp -i new.csv -o scored.csv",
            "easylife predict cv -i photos/ -o photos.csv",
            "easylife predict ts --horizon 14 --level 80,95 -o demand.csv",
            "easylife predict recsys --users all --k 10 -o lists.csv",
            "easylife predict tabular 'age=41,plan=basic'",
            "cat new.jsonl | easylife predict nlp -i - --format jsonl -o - -m models/nlp.safetensors",
        ],
    ),
    (
        "explain",
        &[
            "easylife explain nlp \"not good at all\"",
            "easylife explain ts apples-1 --top 3",
            "easylife explain cv photo.jpg --pictures why",
            "easylife explain tabular 'age=41,plan=basic' --method kernel",
        ],
    ),
    (
        "runs",
        &[
            "easylife runs --task nlp --sort accuracy",
            "easylife runs --where nlp.model.C=10 --columns accuracy,log_loss",
            "easylife runs compare 019ad2f01c5e latest",
            "easylife runs export -o runs.csv",
        ],
    ),
    (
        "registry",
        &[
            "easylife registry add nlp",
            "easylife registry promote nlp@champion latest --if-better accuracy",
            "easylife predict nlp -m nlp@champion -i texts.csv -o scored.csv",
            "easylife registry log nlp@champion --at 2026-11-30",
        ],
    ),
    ("keys", &["easylife keys new release.key"]),
    (
        "verify-signature",
        &["easylife verify-signature models/nlp.safetensors --trusted-key release.key.pub"],
    ),
    (
        "drift",
        &[
            "easylife drift last_year.csv this_week.csv -o drift.html",
            "easylife drift train.parquet requests.jsonl --window 5000 --skip request_id",
            "easylife drift sales.csv sales_new.csv --by date --every week",
        ],
    ),
    (
        "erase",
        &[
            "easylife erase --user u1042 --dry-run",
            "easylife erase --user u1042 --all-versions --also /var/log/easylife",
            "easylife erase nlp --group c-17 --column customer",
        ],
    ),
    (
        "export",
        &["easylife export tabular --to xgboost-json -o model.json"],
    ),
    (
        "inspect",
        &[
            "easylife inspect nlp",
            "easylife inspect models/nlp.safetensors -v",
        ],
    ),
    (
        "repro",
        &[
            "easylife repro",
            "easylife repro gate@nlp -j 4",
            "easylife repro --dry",
        ],
    ),
    ("status", &["easylife status", "easylife status -q"]),
    (
        "verify",
        &[
            "easylife verify",
            "easylife verify train@nlp --threads 1,2,8",
        ],
    ),
    (
        "params",
        &[
            "easylife params",
            "easylife params ts.data",
            "easylife params --schema > params.schema.json",
        ],
    ),
    (
        "completions",
        &[
            "source <(easylife completions bash)",
            "easylife completions fish > ~/.config/fish/completions/easylife.fish",
        ],
    ),
    (
        "man",
        &[
            "easylife man predict > easylife-predict.1",
            "easylife man --dir man1",
        ],
    ),
];

/// The command line with its examples.
pub fn command() -> Command {
    EXAMPLES
        .iter()
        .fold(Cli::command(), |command, (verb, lines)| {
            let text = format!("Examples:\n  {}", lines.join("\n  "));
            command.mut_subcommand(verb, |verb| verb.after_long_help(text))
        })
}

/// As [`command`], without colour, for generated manuals and completions.
pub fn plain_command() -> Command {
    command().color(ColorChoice::Never)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words as a shell splits them, as far as the examples need it.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut quoted) = (vec![String::new()], false);
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                ' ' if !quoted => words.push(String::new()),
                c => words.last_mut().unwrap().push(c),
            }
        }
        words
    }

    #[test]
    fn every_example_is_a_command() {
        for (_, lines) in EXAMPLES {
            for line in *lines {
                let start = line.find("easylife").unwrap();
                let line = line[start..].split([')', '>']).next().unwrap().trim();
                let parsed = command().try_get_matches_from(words(line));
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            }
        }
    }

    #[test]
    fn every_verb_has_examples() {
        for verb in Cli::command().get_subcommands() {
            let name = verb.get_name();
            assert!(
                EXAMPLES.iter().any(|(verb, _)| *verb == name),
                "{name} has no example in src/cli/help.rs"
            );
        }
    }
}
