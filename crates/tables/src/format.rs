//! Names of formats and compressions, and how file names indicate them.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// A format of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a header line.
    Csv,
    /// Tab-separated values with a header line.
    Tsv,
    /// One JSON object per line, or an array of objects.
    Jsonl,
    /// Apache Parquet with flat columns.
    Parquet,
}

/// The compression of a text format; Parquet has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not compressed.
    None,
    /// gzip, any number of members.
    Gzip,
    /// Zstandard, any number of frames.
    Zstd,
}

/// An unknown format name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown format `{0}`; use csv, tsv, jsonl or parquet")]
pub struct UnknownFormat(pub String);

impl Format {
    /// The format and compression indicated by a file name: `a.csv`, `a.tsv`, `a.jsonl`,
    /// `a.ndjson` or `a.json`, each also with `.gz` or `.zst`, and `a.parquet`, in any letter case. `None` if
    /// the extension is unknown.
    ///
    /// # Examples
    /// ```
    /// use std::path::Path;
    ///
    /// use easylife_tables::{Compression, Format};
    ///
    /// let of = |name| Format::of_path(Path::new(name));
    /// assert_eq!(of("data/Sales.CSV.gz"), Some((Format::Csv, Compression::Gzip)));
    /// assert_eq!(of("log.ndjson"), Some((Format::Jsonl, Compression::None)));
    /// assert_eq!(of("sales.parquet.gz"), None);
    /// assert_eq!(of("sales.xlsx"), None);
    /// ```
    pub fn of_path(path: &Path) -> Option<(Format, Compression)> {
        let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
        let (stem, compression) = if let Some(stem) = name.strip_suffix(".gz") {
            (stem, Compression::Gzip)
        } else if let Some(stem) = name.strip_suffix(".zst") {
            (stem, Compression::Zstd)
        } else {
            (name.as_str(), Compression::None)
        };
        let format = match stem.rsplit_once('.')?.1 {
            "json" => Format::Jsonl,
            extension => extension.parse().ok()?,
        };
        match (format, compression) {
            (Format::Parquet, Compression::Gzip | Compression::Zstd) => None,
            known => Some(known),
        }
    }

    /// Whether a file name says JSON but not JSON lines: an array is read, but not written.
    pub fn is_json_name(path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_ascii_lowercase();
        let stem = name.strip_suffix(".gz").or(name.strip_suffix(".zst"));
        stem.unwrap_or(&name).ends_with(".json")
    }

    /// The command that converts a file of a spreadsheet program, by its name, to CSV; `None` for other files.
    pub fn conversion(path: &Path) -> Option<String> {
        let extension = path.extension()?.to_string_lossy().to_ascii_lowercase();
        let is_known =
            ["xlsx", "xlsm", "xlsb", "xls", "ods", "numbers"].contains(&extension.as_str());
        let name = files::names::spell(path);
        let plain = |c: char| c.is_alphanumeric() || "._/-+@".contains(c);
        let name = match name.chars().all(plain) {
            true => name,
            false => format!("'{}'", name.replace('\'', "'\\''")),
        };
        is_known.then(|| format!("soffice --headless --convert-to csv {name}"))
    }

    /// The file name extension, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Tsv => "tsv",
            Format::Jsonl => "jsonl",
            Format::Parquet => "parquet",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Csv => "CSV",
            Format::Tsv => "TSV",
            Format::Jsonl => "JSON lines",
            Format::Parquet => "Parquet",
        })
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Format, UnknownFormat> {
        match word {
            "csv" => Ok(Format::Csv),
            "tsv" => Ok(Format::Tsv),
            "jsonl" | "ndjson" => Ok(Format::Jsonl),
            "parquet" => Ok(Format::Parquet),
            other => Err(UnknownFormat(other.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_formats() {
        let of = |name: &str| Format::of_path(Path::new(name));
        assert_eq!(of("d/a.csv"), Some((Format::Csv, Compression::None)));
        assert_eq!(of("A.TSV.GZ"), Some((Format::Tsv, Compression::Gzip)));
        assert_eq!(
            of("a.b.ndjson.zst"),
            Some((Format::Jsonl, Compression::Zstd))
        );
        assert_eq!(of("a.json"), Some((Format::Jsonl, Compression::None)));
        assert_eq!(of("a.parquet"), Some((Format::Parquet, Compression::None)));
        for name in ["a", "csv", "a.gz", "a.parquet.gz", "a.csv.bz2", ".."] {
            assert_eq!(of(name), None, "{name}");
        }
        assert_eq!(of(".csv"), Some((Format::Csv, Compression::None)));
    }

    #[test]
    fn spreadsheets_have_a_command_that_converts_them() {
        let command = |name: &str| Format::conversion(Path::new(name));
        for (name, expected) in [
            (
                "d/sales.XLSX",
                "soffice --headless --convert-to csv d/sales.XLSX",
            ),
            (
                "my 'own'.ods",
                "soffice --headless --convert-to csv 'my '\\''own'\\''.ods'",
            ),
        ] {
            assert_eq!(command(name).as_deref(), Some(expected));
        }
        assert_eq!(command("a.csv"), None);
        assert_eq!(command("xlsx"), None);
    }

    #[test]
    fn unknown_formats_are_refused() {
        let error = "xlsx".parse::<Format>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown format `xlsx`; use csv, tsv, jsonl or parquet"
        );
    }
}
