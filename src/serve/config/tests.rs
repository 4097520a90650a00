//! Settings from files and flags, and what is wrong with them.

use super::keys::KEYS;
use super::units::{size, time};
use super::*;

fn read(text: &str) -> Result<Settings, String> {
    let mut settings = Settings::default();
    let read = settings.read("easylife.toml", Path::new("etc"), text);
    read.map(|()| settings).map_err(|error| error.to_string())
}

#[test]
fn a_file_sets_keys_and_says_where() {
    let settings = read(
        "[serve]\ntasks = [\"nlp\"]\nlisten = [\"nlp=127.0.0.1:8001\", \"9000\"]\nmodels = {nlp = \"a.safetensors\"}\n\
         drain-delay = 0.5\nmax-body = \"1MiB\"\nreload-interval = 0\n",
    )
    .unwrap();
    assert_eq!(settings.tasks.value, ["nlp"]);
    let listen: Vec<String> = settings
        .listen
        .value
        .iter()
        .map(Address::to_string)
        .collect();
    assert_eq!(listen, ["nlp=127.0.0.1:8001", "127.0.0.1:9000"]);
    assert_eq!(
        settings.models.value,
        [("nlp".to_owned(), "etc/a.safetensors".into())]
    );
    assert_eq!(settings.drain_delay.value, Duration::from_millis(500));
    assert_eq!(settings.reload_interval.value, None);
    assert_eq!(settings.limits().body_bytes, 1 << 20);
    let shown = settings.shown();
    let body = shown.iter().find(|(name, ..)| *name == "max-body").unwrap();
    let place = ValueSource::File("easylife.toml:6".to_owned());
    assert_eq!(*body, ("max-body", "1MiB".to_owned(), place));
}

#[test]
fn what_is_wrong_in_a_file_is_named_with_its_line() {
    for (text, expected) in [
        (
            "[serve]\n\nmax-bdy = 3",
            "easylife.toml:3: serve.max-bdy: unknown key; did you mean `max-body`? see `easylife serve --help`",
        ),
        (
            "[sreve]\n",
            "easylife.toml:1: unknown table `sreve`; did you mean `serve`? there are `registry`, `runs` and `serve`",
        ),
        (
            "[serve]\nmax-body = \"much\"",
            "easylife.toml:2: serve.max-body: `much` is not a size, such as 64KiB, 32MiB or 10MB",
        ),
        (
            "[serve]\nmax-body = [1, 2]",
            "easylife.toml:2: serve.max-body: takes one value, not a list",
        ),
        (
            "[serve]\nmodel = \"nlp=x\"",
            "easylife.toml:2: serve.model: unknown key; did you mean `models`? see `easylife serve --help`",
        ),
        (
            "[serve]\nlisten = \"here\"",
            "easylife.toml:2: serve.listen: `here` is not an address; expected IP:PORT, such as 127.0.0.1:8080, or 0.0.0.0:8080 for all interfaces",
        ),
        (
            "[serve]\nio-threads = true",
            "easylife.toml:2: serve.io-threads: `true` is not a whole number from 1 to ",
        ),
        ("[serve\n", "easylife.toml:1: "),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
}

#[test]
fn a_flag_goes_before_the_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "[serve]\nmax-rows = 5\nmax-head = 9000\n").unwrap();
    let given = Given {
        key: "max-rows",
        values: vec!["7".to_owned()],
        source: ValueSource::Flag,
    };
    let settings = Settings::new(Some(file.path()), &[given]).unwrap();
    assert_eq!(
        (settings.limits().rows, settings.limits().head_bytes),
        (7, 9000)
    );
}

#[test]
fn every_limit_has_a_key_and_every_key_can_be_set() {
    let settings = Settings::default();
    settings.limits();
    for (name, _) in &settings.limits {
        assert!(KEYS.iter().any(|key| key.name == *name), "{name}");
    }
    for key in KEYS {
        let (value, _) = (key.show)(&settings, key.name);
        let values = match (key.name, value.as_str()) {
            ("model", _) => "nlp=a".to_owned(),
            ("weight", _) => "nlp@next=12.5".to_owned(),
            ("admin-listen", _) => "127.0.0.1:1".to_owned(),
            ("access-log", _) => "-".to_owned(),
            (_, "") => "a.pem".to_owned(),
            (_, value) => value.to_owned(),
        };
        let mut other = Settings::default();
        (key.set)(
            &mut other,
            key.name,
            std::slice::from_ref(&values),
            ValueSource::Flag,
        )
        .unwrap();
        assert_eq!(
            (key.show)(&other, key.name),
            (values, ValueSource::Flag),
            "{}",
            key.name
        );
    }
}

#[test]
fn times_and_sizes_have_units() {
    assert_eq!(time("250ms"), Ok(Duration::from_millis(250)));
    assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
    assert_eq!(time("1.5"), Ok(Duration::from_millis(1500)));
    assert!(time("-1s").is_err() && time("soon").is_err());
    assert_eq!(
        (size("10MB"), size("64KiB"), size("7")),
        (Ok(10_000_000), Ok(65_536), Ok(7))
    );
    assert!(size("0").is_err() && size("99999999999GiB").is_err());
}

#[test]
fn every_key_stands_in_the_documentation() {
    let docs = include_str!("../../../docs/serving.md");
    for key in KEYS {
        assert!(docs.contains(&format!("`{}`", key.name)), "{}", key.name);
    }
}
