//! The `data` of a tensor in JSON: flat or nested lists into a typed column, without a JSON tree.

use std::fmt;

use serde::de::{DeserializeSeed, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::tensor::{Data, Datatype, Strings};

/// Reads the values of a list, at most `count` of them. Among those of a column that is `nullable`, null is NaN or an
/// empty text.
pub fn values(
    datatype: Datatype,
    count: usize,
    raw: &RawValue,
    nullable: bool,
) -> Result<Data, String> {
    // Capacity follows the text's length, not the shape, which may announce anything.
    let room = count.min(raw.get().len());
    Ok(match datatype {
        Datatype::Bool => Data::Bool(column::<bool>(room, count, raw)?),
        Datatype::Int32 => Data::Int32(column::<i32>(room, count, raw)?),
        Datatype::Int64 => Data::Int64(column::<i64>(room, count, raw)?),
        Datatype::Fp32 => {
            let values = present(column::<f32>(room, count, raw)?, |v| v.is_nan(), nullable)?;
            Data::Fp32(finite(values, |v| !v.is_infinite())?)
        }
        Datatype::Fp64 => {
            let values = present(column::<f64>(room, count, raw)?, |v| v.is_nan(), nullable)?;
            Data::Fp64(finite(values, |v| !v.is_infinite())?)
        }
        Datatype::Bytes if nullable => {
            let mut strings = Nullable(Strings::default());
            fill(&mut strings, count, raw)?;
            Data::Bytes(strings.0)
        }
        Datatype::Bytes => {
            let mut strings = Strings::default();
            fill(&mut strings, count, raw)?;
            Data::Bytes(strings)
        }
    })
}

fn column<T>(room: usize, count: usize, raw: &RawValue) -> Result<Vec<T>, String>
where
    Vec<T>: Column,
{
    let mut column = Vec::with_capacity(room);
    fill(&mut column, count, raw)?;
    Ok(column)
}

/// Refuses null, which reads as NaN, in a column that is not nullable.
fn present<T>(values: Vec<T>, is_nan: fn(&T) -> bool, nullable: bool) -> Result<Vec<T>, String>
where
    Vec<T>: Column,
{
    match !nullable && values.iter().any(is_nan) {
        true => Err(format!(
            "found null; expected {}",
            <Vec<T> as Column>::ELEMENT
        )),
        false => Ok(values),
    }
}

/// A number too large for its type reads as infinite.
fn finite<T>(values: Vec<T>, is_finite: fn(&T) -> bool) -> Result<Vec<T>, String> {
    match values.iter().position(|value| !is_finite(value)) {
        Some(position) => Err(format!("value {position} is out of range")),
        None => Ok(values),
    }
}

fn fill<C: Column>(column: &mut C, count: usize, raw: &RawValue) -> Result<(), String> {
    let mut reader = serde_json::Deserializer::from_str(raw.get());
    let list = List {
        column,
        count,
        is_top: true,
    };
    list.deserialize(&mut reader)
        .map_err(|error| without_place(&error))
}

/// The place in an excerpt would mislead.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// What elements are added to.
trait Column {
    /// What an element must be.
    const ELEMENT: &'static str;

    fn size(&self) -> usize;

    fn add_bool<E: Error>(&mut self, value: bool) -> Result<(), E> {
        Err(wrong::<Self, E>(if value { "true" } else { "false" }))
    }

    fn add_integer<E: Error>(&mut self, _: i64) -> Result<(), E> {
        Err(wrong::<Self, E>("a whole number"))
    }

    fn add_float<E: Error>(&mut self, _: f64) -> Result<(), E> {
        Err(wrong::<Self, E>("a number with a fraction"))
    }

    fn add_str<E: Error>(&mut self, _: &str) -> Result<(), E> {
        Err(wrong::<Self, E>("a string"))
    }

    /// JSON has no NaN: answers have null in its place, and so may requests.
    fn add_null<E: Error>(&mut self) -> Result<(), E> {
        Err(wrong::<Self, E>("null"))
    }
}

fn wrong<C: Column + ?Sized, E: Error>(found: &str) -> E {
    E::custom(format_args!("found {found}; expected {}", C::ELEMENT))
}

impl Column for Strings {
    const ELEMENT: &'static str = "strings (BYTES)";

    fn size(&self) -> usize {
        self.len()
    }

    fn add_str<E: Error>(&mut self, value: &str) -> Result<(), E> {
        self.push(value.as_bytes());
        Ok(())
    }
}

/// Texts, and null for none.
struct Nullable(Strings);

impl Column for Nullable {
    const ELEMENT: &'static str = "strings (BYTES) or null";

    fn size(&self) -> usize {
        self.0.len()
    }

    fn add_str<E: Error>(&mut self, value: &str) -> Result<(), E> {
        self.0.push(value.as_bytes());
        Ok(())
    }

    fn add_null<E: Error>(&mut self) -> Result<(), E> {
        self.0.push(b"");
        Ok(())
    }
}

impl Column for Vec<bool> {
    const ELEMENT: &'static str = "true or false (BOOL)";

    fn size(&self) -> usize {
        self.len()
    }

    fn add_bool<E: Error>(&mut self, value: bool) -> Result<(), E> {
        self.push(value);
        Ok(())
    }

    /// Clients of C and R write booleans as numbers.
    fn add_integer<E: Error>(&mut self, value: i64) -> Result<(), E> {
        match value {
            0 | 1 => self.push(value == 1),
            _ => return Err(wrong::<Self, E>("a whole number")),
        }
        Ok(())
    }
}

impl Column for Vec<i32> {
    const ELEMENT: &'static str = "whole numbers of 32 bits (INT32)";

    fn size(&self) -> usize {
        self.len()
    }

    fn add_integer<E: Error>(&mut self, value: i64) -> Result<(), E> {
        let value = i32::try_from(value).map_err(|_| wrong::<Self, E>("a larger number"))?;
        self.push(value);
        Ok(())
    }
}

impl Column for Vec<i64> {
    const ELEMENT: &'static str = "whole numbers of 64 bits (INT64)";

    fn size(&self) -> usize {
        self.len()
    }

    fn add_integer<E: Error>(&mut self, value: i64) -> Result<(), E> {
        self.push(value);
        Ok(())
    }
}

impl Column for Vec<f32> {
    const ELEMENT: &'static str = "numbers (FP32)";

    fn size(&self) -> usize {
        self.len()
    }

    fn add_integer<E: Error>(&mut self, value: i64) -> Result<(), E> {
        self.push(value as f32);
        Ok(())
    }

    fn add_float<E: Error>(&mut self, value: f64) -> Result<(), E> {
        self.push(value as f32);
        Ok(())
    }

    fn add_null<E: Error>(&mut self) -> Result<(), E> {
        self.push(f32::NAN);
        Ok(())
    }
}

impl Column for Vec<f64> {
    const ELEMENT: &'static str = "numbers (FP64)";

    fn size(&self) -> usize {
        self.len()
    }

    fn add_integer<E: Error>(&mut self, value: i64) -> Result<(), E> {
        self.push(value as f64);
        Ok(())
    }

    fn add_float<E: Error>(&mut self, value: f64) -> Result<(), E> {
        self.push(value);
        Ok(())
    }

    fn add_null<E: Error>(&mut self) -> Result<(), E> {
        self.push(f64::NAN);
        Ok(())
    }
}

/// A list, or an element of one: nesting is allowed and says nothing beyond the shape.
struct List<'c, C> {
    column: &'c mut C,
    count: usize,
    is_top: bool,
}

impl<C: Column> List<'_, C> {
    fn add<E: Error>(self, add: impl FnOnce(&mut C) -> Result<(), E>) -> Result<(), E> {
        if self.is_top {
            return Err(E::custom("`data` must be a list"));
        }
        if self.column.size() >= self.count {
            return Err(E::custom(format_args!(
                "more values than the shape says ({})",
                self.count
            )));
        }
        add(self.column)
    }
}

impl<'de, C: Column> DeserializeSeed<'de> for List<'_, C> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de, C: Column> Visitor<'de> for List<'_, C> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(C::ELEMENT)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        loop {
            let element = List {
                column: &mut *self.column,
                count: self.count,
                is_top: false,
            };
            if list.next_element_seed(element)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.add(|column| column.add_bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.add(|column| column.add_integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.add(|column| match i64::try_from(value) {
            Ok(value) => column.add_integer(value),
            Err(_) => column.add_float(value as f64),
        })
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.add(|column| column.add_float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.add(|column| column.add_str(value))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.add(Column::add_null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(datatype: Datatype, count: usize, text: &str) -> Result<Data, String> {
        values(
            datatype,
            count,
            &RawValue::from_string(text.to_owned()).unwrap(),
            false,
        )
    }

    #[test]
    fn lists_may_be_nested() {
        let nested = read(Datatype::Int64, 4, "[[1, 2], [3, 4]]");
        assert_eq!(nested, Ok(Data::Int64(vec![1, 2, 3, 4])));
    }

    #[test]
    fn numbers_keep_their_bits() {
        let Ok(Data::Fp64(values)) = read(Datatype::Fp64, 3, "[0.1, -0.0, 5e-324]") else {
            panic!("not read");
        };
        let bits: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
        assert_eq!(bits, [0.1f64.to_bits(), (-0.0f64).to_bits(), 1]);
    }

    #[test]
    fn null_is_a_missing_value_where_there_may_be_one() {
        let read_nullable = |datatype, text: &str| {
            values(
                datatype,
                2,
                &RawValue::from_string(text.to_owned()).unwrap(),
                true,
            )
        };
        let Ok(Data::Fp64(numbers)) = read_nullable(Datatype::Fp64, "[null, 1]") else {
            panic!("not read");
        };
        assert!(numbers[0].is_nan() && numbers[1] == 1.0);
        let texts: Strings = ["", "a"].into_iter().collect();
        assert_eq!(
            read_nullable(Datatype::Bytes, "[null, \"a\"]"),
            Ok(Data::Bytes(texts))
        );
        let refused = read(Datatype::Fp64, 2, "[null, 1]");
        assert_eq!(
            refused,
            Err("found null; expected numbers (FP64)".to_owned())
        );
    }

    #[test]
    fn what_does_not_fit_the_type_is_refused() {
        for (datatype, text) in [
            (Datatype::Int32, "[3000000000]"),
            (Datatype::Int64, "[1.5]"),
            (Datatype::Fp32, "[1e39]"),
            (Datatype::Fp64, "[\"1\"]"),
            (Datatype::Fp64, "[1e400]"),
            (Datatype::Bytes, "[1]"),
            (Datatype::Bytes, "[null]"),
            (Datatype::Bytes, "\"text\""),
            (Datatype::Bytes, "[\"a\", \"b\"]"),
            (Datatype::Bool, "[2]"),
        ] {
            assert!(read(datatype, 1, text).is_err(), "{text}");
        }
    }
}
