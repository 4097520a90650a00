//! Writes values of decoded columns so that they read back the same.

use std::fmt::Write;

use jiff::SignedDuration;
use jiff::civil::{DateTime, Time, date};
use polars_arrow::array::{
    Array, BinaryViewArray, BooleanArray, FixedSizeBinaryArray, FixedSizeListArray, ListArray,
    MapArray, PrimitiveArray, StructArray, Utf8ViewArray,
};
use polars_arrow::datatypes::{ArrowDataType as Arrow, TimeUnit};
use polars_arrow::types::{NativeType, i256};
use polars_utils::float16::pf16;

use super::super::{Kind, ReadErrorKind};
use super::types::{Special, name};

/// Writes value number `index` of `array` to `out`.
///
/// # Errors
/// A value that no cell can represent.
pub(super) fn spell(
    array: &dyn Array,
    index: usize,
    special: Special,
    out: &mut String,
) -> Result<Kind, ReadErrorKind> {
    if array.is_null(index) {
        return Ok(Kind::Null);
    }
    let dtype = array.dtype();
    match special {
        Special::Duration(unit) => {
            return spell_duration(number::<i64>(array, index)?, unit, out);
        }
        Special::Uuid => return uuid(bytes(array, index)?, out),
        Special::None | Special::Int96 => {}
    }
    match dtype {
        Arrow::Utf8View => out.push_str(downcast::<Utf8ViewArray>(array)?.value(index)),
        Arrow::Boolean => {
            let value = downcast::<BooleanArray>(array)?.value(index);
            out.push_str(if value { "true" } else { "false" });
            return Ok(Kind::Bool);
        }
        Arrow::Int8 => return push::<i8>(array, index, out),
        Arrow::Int16 => return push::<i16>(array, index, out),
        Arrow::Int32 => return push::<i32>(array, index, out),
        Arrow::Int64 => return push::<i64>(array, index, out),
        Arrow::Int128 => return push::<i128>(array, index, out),
        Arrow::UInt8 => return push::<u8>(array, index, out),
        Arrow::UInt16 => return push::<u16>(array, index, out),
        Arrow::UInt32 => return push::<u32>(array, index, out),
        Arrow::UInt64 => return push::<u64>(array, index, out),
        Arrow::UInt128 => return push::<u128>(array, index, out),
        Arrow::Float16 => {
            let value = number::<pf16>(array, index)?.0.to_f32();
            let _ = write!(out, "{value:?}"); // a String takes everything
            return Ok(Kind::Number);
        }
        Arrow::Float32 => return push::<f32>(array, index, out),
        Arrow::Float64 => return push::<f64>(array, index, out),
        Arrow::Decimal(_, scale) => {
            decimal(&number::<i128>(array, index)?.to_string(), *scale, out);
            return Ok(Kind::Number);
        }
        Arrow::Decimal256(_, scale) => {
            decimal(&number::<i256>(array, index)?.to_string(), *scale, out);
            return Ok(Kind::Number);
        }
        Arrow::Date32 => spell_date(number::<i32>(array, index)?, out)?,
        Arrow::Timestamp(unit, zone) => {
            let value = number::<i64>(array, index)?;
            spell_time(value, *unit, zone.is_some(), out)?;
        }
        Arrow::Time32(unit) => {
            spell_time_of_day(i64::from(number::<i32>(array, index)?), *unit, out)?;
        }
        Arrow::Time64(unit) => spell_time_of_day(number::<i64>(array, index)?, *unit, out)?,
        Arrow::BinaryView | Arrow::FixedSizeBinary(_) => {
            let bytes = bytes(array, index)?;
            match std::str::from_utf8(bytes) {
                Ok(text) => out.push_str(text),
                Err(_) => {
                    hexadecimal(bytes, out);
                    return Ok(Kind::Json);
                }
            }
        }
        _ => {
            json(array, index, out)?;
            return Ok(Kind::Json);
        }
    }
    Ok(Kind::Text)
}

fn downcast<T: 'static>(array: &dyn Array) -> Result<&T, ReadErrorKind> {
    let other = || {
        let hint = "leave the column out, or write it as another type";
        ReadErrorKind::ParquetType(name(array.dtype()), hint)
    };
    array.as_any().downcast_ref::<T>().ok_or_else(other)
}

fn number<T: NativeType>(array: &dyn Array, index: usize) -> Result<T, ReadErrorKind> {
    Ok(downcast::<PrimitiveArray<T>>(array)?.value(index))
}

fn bytes(array: &dyn Array, index: usize) -> Result<&[u8], ReadErrorKind> {
    Ok(match array.dtype() {
        Arrow::FixedSizeBinary(_) => downcast::<FixedSizeBinaryArray>(array)?.value(index),
        _ => downcast::<BinaryViewArray>(array)?.value(index),
    })
}

fn push<T: NativeType>(
    array: &dyn Array,
    index: usize,
    out: &mut String,
) -> Result<Kind, ReadErrorKind> {
    let _ = write!(out, "{:?}", number::<T>(array, index)?);
    Ok(Kind::Number)
}

/// A number of `digits` (with a sign), the last `scale` of them after the point.
fn decimal(digits: &str, scale: usize, out: &mut String) {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    out.push_str(sign);
    out.push_str(whole);
    if scale > 0 {
        out.push('.');
        out.push_str(fraction);
    }
}

fn hexadecimal(bytes: &[u8], out: &mut String) {
    out.push_str("\"0x");
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out.push('"');
}

fn uuid(bytes: &[u8], out: &mut String) -> Result<Kind, ReadErrorKind> {
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        let _ = write!(out, "{byte:02x}");
    }
    Ok(Kind::Text)
}

/// Days since 1970 as `2024-02-29`.
fn spell_date(days: i32, out: &mut String) -> Result<(), ReadErrorKind> {
    let since = SignedDuration::from_secs(i64::from(days) * 86_400);
    let date = date(1970, 1, 1).checked_add(since);
    let date = date.map_err(|_| ReadErrorKind::DateRange(days.into(), "days"))?;
    let _ = write!(out, "{date}");
    Ok(())
}

fn duration(value: i64, unit: TimeUnit) -> SignedDuration {
    match unit {
        TimeUnit::Second => SignedDuration::from_secs(value),
        TimeUnit::Millisecond => SignedDuration::from_millis(value),
        TimeUnit::Microsecond => SignedDuration::from_micros(value),
        TimeUnit::Nanosecond => SignedDuration::from_nanos(value),
    }
}

fn words(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "seconds",
        TimeUnit::Millisecond => "milliseconds",
        TimeUnit::Microsecond => "microseconds",
        TimeUnit::Nanosecond => "nanoseconds",
    }
}

fn spell_time(
    value: i64,
    unit: TimeUnit,
    utc: bool,
    out: &mut String,
) -> Result<(), ReadErrorKind> {
    let time = epoch().checked_add(duration(value, unit));
    let time = time.map_err(|_| ReadErrorKind::DateRange(value, words(unit)))?;
    let _ = write!(out, "{time}{}", if utc { "Z" } else { "" });
    Ok(())
}

fn spell_time_of_day(value: i64, unit: TimeUnit, out: &mut String) -> Result<(), ReadErrorKind> {
    let time = Time::midnight().checked_add(duration(value, unit));
    match time {
        Ok(time) if value >= 0 => {
            let _ = write!(out, "{time}");
            Ok(())
        }
        _ => Err(ReadErrorKind::TimeOfDay(value, words(unit))),
    }
}

/// In ISO 8601 notation: `PT1H30M`.
fn spell_duration(value: i64, unit: TimeUnit, out: &mut String) -> Result<Kind, ReadErrorKind> {
    let _ = write!(out, "{}", duration(value, unit));
    Ok(Kind::Text)
}

/// A nested value as JSON.
fn json(array: &dyn Array, index: usize, out: &mut String) -> Result<(), ReadErrorKind> {
    if array.is_null(index) {
        out.push_str("null");
        return Ok(());
    }
    match array.dtype() {
        Arrow::Struct(fields) => {
            let values = downcast::<StructArray>(array)?.values();
            let mut before = '{';
            for (field, values) in fields.iter().zip(values) {
                out.push(before);
                before = ',';
                string(&field.name, out);
                out.push(':');
                json(values.as_ref(), index, out)?;
            }
            out.push_str(if before == '{' { "{}" } else { "}" });
            Ok(())
        }
        Arrow::List(_) => list(downcast::<ListArray<i32>>(array)?.value(index), out),
        Arrow::LargeList(_) => list(downcast::<ListArray<i64>>(array)?.value(index), out),
        Arrow::FixedSizeList(..) => list(downcast::<FixedSizeListArray>(array)?.value(index), out),
        Arrow::Map(..) => list(downcast::<MapArray>(array)?.value(index), out),
        Arrow::Null => {
            out.push_str("null");
            Ok(())
        }
        _ => {
            let mut text = String::new();
            match spell(array, index, Special::None, &mut text)? {
                Kind::Text => string(&text, out),
                // JSON cannot represent NaN.
                Kind::Number if text.contains(['N', 'i']) => string(&text, out),
                _ => out.push_str(&text),
            }
            Ok(())
        }
    }
}

fn list(values: Box<dyn Array>, out: &mut String) -> Result<(), ReadErrorKind> {
    out.push('[');
    for index in 0..values.len() {
        if index > 0 {
            out.push(',');
        }
        json(values.as_ref(), index, out)?;
    }
    out.push(']');
    Ok(())
}

fn string(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

pub(crate) fn epoch() -> DateTime {
    date(1970, 1, 1).at(0, 0, 0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_all_their_digits() {
        let spelled = |digits: &str, scale| {
            let mut out = String::new();
            decimal(digits, scale, &mut out);
            out
        };
        assert_eq!(spelled("1250", 2), "12.50");
        assert_eq!(spelled("-5", 2), "-0.05");
        assert_eq!(spelled("0", 2), "0.00");
        assert_eq!(spelled("12345678901234567890", 0), "12345678901234567890");
    }

    #[test]
    fn a_date_outside_the_calendar_is_an_error() {
        let mut out = String::new();
        assert!(spell_time(253_402_300_800, TimeUnit::Second, false, &mut out).is_err());
        assert!(spell_date(i32::MAX, &mut out).is_err());
        assert!(spell_time_of_day(86_400, TimeUnit::Second, &mut out).is_err());
        assert!(spell_time_of_day(-1, TimeUnit::Second, &mut out).is_err());
        assert_eq!(out, "");
    }
}
