//! Formats numbers for the terminal and for JSON. Zero never has a sign, and a number other than zero is never
//! shown as zero. `report::format` formats the numbers on pages.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

/// Numbers from here on are shown with a power of ten.
const LARGE: f64 = 1e15;

/// A figure: whole numbers as they are, others to four decimals; very small or large numbers with four
/// significant digits and a power of ten (`1.235e-19`).
pub fn figure(value: f64) -> String {
    match value.abs() {
        size if size > 0.0 && size < 9.5e-4 || size >= LARGE => format!("{value:.3e}"),
        size if value.fract() == 0.0 && size >= 1.0 => format!("{value}"),
        _ => fixed(value, 4),
    }
}

/// A value in the units of the data: to four decimals; as [`figure`] if it is very small or large.
pub fn measure(value: f64) -> String {
    match value.abs() {
        size if size > 0.0 && size < 9.5e-4 || size >= LARGE => format!("{value:.3e}"),
        _ => fixed(value, 4),
    }
}

/// A number with `places` decimals.
pub fn fixed(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    match text.strip_prefix('-') {
        Some(size) if size.bytes().all(|b| matches!(b, b'0' | b'.')) => size.to_owned(),
        _ => text,
    }
}

/// As [`fixed`], always with a sign; that of zero is plus.
pub fn signed(value: f64, places: usize) -> String {
    let text = fixed(value, places);
    match text.starts_with('-') || value.is_nan() {
        true => text,
        false => format!("+{text}"),
    }
}

/// A value as JSON on one line.
///
/// # Errors
/// If JSON cannot represent it.
pub fn json<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    written(value, Unsigned(CompactFormatter))
}

/// A value as JSON on many lines.
///
/// # Errors
/// If JSON cannot represent it.
pub fn pretty_json<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    written(value, Unsigned(PrettyFormatter::new()))
}

fn written<T: Serialize + ?Sized>(value: &T, as_: impl Formatter) -> serde_json::Result<String> {
    let mut out = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut out, as_))?;
    String::from_utf8(out).map_err(serde::ser::Error::custom)
}

/// Wraps a formatter and writes zero without a sign.
struct Unsigned<F>(F);

type Out<'a, W> = &'a mut W;

impl<F: Formatter> Formatter for Unsigned<F> {
    fn write_f64<W: Write + ?Sized>(&mut self, out: Out<'_, W>, value: f64) -> io::Result<()> {
        self.0.write_f64(out, value + 0.0)
    }

    fn write_f32<W: Write + ?Sized>(&mut self, out: Out<'_, W>, value: f32) -> io::Result<()> {
        self.0.write_f32(out, value + 0.0)
    }

    fn begin_array<W: Write + ?Sized>(&mut self, out: Out<'_, W>) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: Write + ?Sized>(&mut self, out: Out<'_, W>) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: Write + ?Sized>(
        &mut self,
        out: Out<'_, W>,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, out: Out<'_, W>) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: Write + ?Sized>(&mut self, out: Out<'_, W>) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: Write + ?Sized>(&mut self, out: Out<'_, W>) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: Write + ?Sized>(
        &mut self,
        out: Out<'_, W>,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: Out<'_, W>) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, out: Out<'_, W>) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_shown_as_zero_but_zero() {
        for (value, text) in [
            (0.0, "0.0000"),
            (-0.0, "0.0000"),
            (0.25, "0.2500"),
            (-0.25, "-0.2500"),
            (0.001, "0.0010"),
            (1.2346e-19, "1.235e-19"),
            (-4e-5, "-4.000e-5"),
            (12.0, "12"),
            (12.5, "12.5000"),
            (3e99, "3.000e99"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(figure(value), text);
        }
        assert_eq!(
            (measure(12.0), measure(-0.0)),
            ("12.0000".into(), "0.0000".into())
        );
    }

    #[test]
    fn zero_has_no_sign() {
        assert_eq!(
            (fixed(-0.00004, 4), fixed(-0.00006, 4)),
            ("0.0000".into(), "-0.0001".into())
        );
        for (value, text) in [(-0.00004, "+0.0000"), (-1.5, "-1.5000"), (1.5, "+1.5000")] {
            assert_eq!(signed(value, 4), text);
        }
        let value = serde_json::json!({"a": [-0.0, 1.5, -2.0], "b": {"c": -0.0f32, "d": []}});
        assert_eq!(
            json(&value).unwrap(),
            r#"{"a":[0.0,1.5,-2.0],"b":{"c":0.0,"d":[]}}"#
        );
        let plain = serde_json::json!({"a": [0.0, 1.5, -2.0], "b": {"c": 0.0, "d": []}});
        assert_eq!(
            pretty_json(&value).unwrap(),
            serde_json::to_string_pretty(&plain).unwrap()
        );
    }
}
