//! `.dvc/config` and its variants: where the cache is and how files are linked from it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::error::{Context as _, Error, Result};
use crate::folder::{Folder, absolute};

/// How a file of the cache is put into the project.
///
/// Tried in the order of `cache.type`, until one works on the file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    Reflink,
    Hardlink,
    Symlink,
    Copy,
}

/// The part of DVC's configuration that we use.
///
/// Read from DVC's four files in its order: system, user, project (`.dvc/config`), local
/// (`.dvc/config.local`). Options of remotes have no effect.
#[derive(Debug)]
pub struct Config {
    /// The cache's folder.
    pub cache: PathBuf,
    /// Link types to try, in order of preference.
    pub links: Vec<Link>,
    /// `cache.shared = group`
    pub shared: bool,
    /// `core.no_scm`: do not touch git.
    pub no_scm: bool,
    /// `parsing.bool = boolean_optional`
    pub boolean_optional: bool,
    /// `parsing.list = append`
    pub list_append: bool,
}

/// Values by `section.option`, and the folder of the file that gave each.
type OptionValues = HashMap<String, (String, PathBuf)>;

impl Config {
    /// Reads the system, user, project and local files; later ones override earlier ones.
    ///
    /// # Errors
    /// If a file cannot be read, or an option has an unsupported value.
    pub fn read(folder: &Folder) -> Result<Self> {
        let mut options = OptionValues::new();
        if folder.has_dvc() {
            for file in config_files(&folder.root().join(".dvc")) {
                read_file(&file, &mut options)?;
            }
        }
        let get = |name: &str| options.get(name).map(|(value, _)| value.as_str());
        let is_true = |name: &str| get(name).is_some_and(|v| v.eq_ignore_ascii_case("true"));
        if is_true("core.hardlink_lock") {
            return Err(Error::Config(
                "core.hardlink_lock is not supported; unset it: dvc config --unset \
                 core.hardlink_lock"
                    .to_owned(),
            ));
        }
        let links = match get("cache.type") {
            Some(text) => links(text)?,
            None => vec![Link::Reflink, Link::Copy],
        };
        let cache = match options.get("cache.dir") {
            Some((dir, base)) => PathBuf::from(absolute(base, Path::new(dir))),
            None => folder.root().join(".dvc/cache"),
        };
        Ok(Self {
            cache,
            links,
            shared: get("cache.shared") == Some("group"),
            no_scm: is_true("core.no_scm"),
            boolean_optional: get("parsing.bool") == Some("boolean_optional"),
            list_append: get("parsing.list") == Some("append"),
        })
    }
}

fn links(text: &str) -> Result<Vec<Link>> {
    text.split(',')
        .map(|word| match word.trim().trim_matches(['"', '\'']) {
            "reflink" => Ok(Link::Reflink),
            "hardlink" => Ok(Link::Hardlink),
            "symlink" => Ok(Link::Symlink),
            "copy" => Ok(Link::Copy),
            other => Err(Error::Config(format!(
                "cache.type: unknown type `{other}`; expected reflink, hardlink, symlink or copy"
            ))),
        })
        .collect()
}

fn config_files(dvc: &Path) -> Vec<PathBuf> {
    let named = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let home = || named("HOME").map(|home| home.join(".config"));
    let system = named("DVC_SYSTEM_CONFIG_DIR").or(Some(PathBuf::from("/etc/xdg/dvc")));
    let user = named("DVC_GLOBAL_CONFIG_DIR").or_else(|| {
        named("XDG_CONFIG_HOME")
            .or_else(home)
            .map(|dir| dir.join("dvc"))
    });
    let above = [system, user].into_iter().flatten();
    above
        .map(|dir| dir.join("config"))
        .chain([dvc.join("config"), dvc.join("config.local")])
        .collect()
}

/// A value without quotes, or before the comment on its line: as ConfigObj reads it, which DVC uses.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some((inner, _)) = value.strip_prefix(quote).and_then(|v| v.split_once(quote)) {
            return inner;
        }
    }
    value.split('#').next().unwrap_or_default().trim_end()
}

/// Parses `[section]` and `name = value` lines; `['remote "x"']` sections concern other commands
/// only.
fn read_file(file: &Path, options: &mut OptionValues) -> Result<()> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    };
    let base = file.parent().unwrap_or(Path::new("")).to_owned();
    let mut section = String::new();
    for line in text.lines() {
        let line = line.trim();
        if let Some((name, _)) = line.strip_prefix('[').and_then(|l| l.rsplit_once(']')) {
            section = name.trim().trim_matches(['"', '\'']).to_owned();
        } else if let Some((name, value)) = line.split_once('=')
            && !line.starts_with(['#', ';'])
        {
            let value = unquoted(value.trim()).to_owned();
            let name = format!("{section}.{}", name.trim());
            options.insert(name, (value, base.clone()));
        }
    }
    Ok(())
}
