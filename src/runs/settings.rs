//! The table `runs` of `easylife.toml`.

use std::path::Path;

use anyhow::Result;

use crate::params::near_miss;
use crate::settings;

/// Its table.
const TABLE: &str = "runs";
/// Its keys.
const KEYS: [&str; 1] = ["keep"];

/// How runs are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How many runs of each task are kept, the newest; `None`: all, 0: none is recorded.
    pub keep: Option<usize>,
}

impl Settings {
    /// Those of a file, if there is one, under those that were `given` by flag or environment.
    ///
    /// # Errors
    /// A file that cannot be read, an unknown key or a value that does not fit (exit 2).
    pub fn new(file: Option<&Path>, given: Settings) -> Result<Self> {
        let mut settings = Self::default();
        if let Some(path) = file {
            settings.take(&path.display().to_string(), &settings::read(path)?)?;
        }
        Ok(Self {
            keep: given.keep.or(settings.keep),
        })
    }

    fn take(&mut self, file: &str, text: &str) -> Result<()> {
        settings::parse(file, text, TABLE, |entry| match entry.name {
            "keep" => {
                self.keep = Some(keep(&settings::text(entry.value)?)?);
                Ok(())
            }
            name => Err(format!(
                "{name}: unknown key; {}there is `{}`",
                near_miss(name, &KEYS),
                KEYS.join("`, `")
            )),
        })
    }

    /// Whether runs are recorded.
    pub fn is_on(self) -> bool {
        self.keep != Some(0)
    }
}

fn keep(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| {
        format!("keep: `{text}` is not a number of runs; expected 0 (none is recorded), 1, 2, ...")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, String> {
        let mut settings = Settings::default();
        let read = settings.take("easylife.toml", text);
        read.map(|()| settings).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_says_how_many_are_kept_and_a_flag_more_loudly() {
        assert_eq!(read("").unwrap().keep, None);
        assert!(read("").unwrap().is_on());
        assert!(!read("[runs]\nkeep = 0\n").unwrap().is_on());
        assert_eq!(read("[runs]\nkeep = 5\n").unwrap().keep, Some(5));
        let given = Settings { keep: Some(2) };
        assert_eq!(Settings::new(None, given).unwrap(), given);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_line() {
        assert_eq!(
            read("[runs]\n\nkep = 1\n").unwrap_err(),
            "easylife.toml:3: runs.kep: unknown key; did you mean `keep`? there is `keep`"
        );
        let error = read("[runs]\nkeep = -1\n").unwrap_err();
        assert!(error.contains("expected 0 (none is recorded)"), "{error}");
    }
}
