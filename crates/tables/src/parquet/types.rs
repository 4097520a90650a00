//! Types of columns: how polars decodes them, what callers see, and their display names.
//!
//! The type in the Parquet schema decides; the Arrow schema that many writers add is used only for
//! types that Parquet lacks (durations, half floats, text stored as bytes). A dictionary is only a
//! storage format.

use polars_arrow::datatypes::{ArrowDataType as Arrow, Field, TimeUnit as ArrowUnit};
use polars_parquet::read::{ParquetType, PhysicalType, PrimitiveLogicalType};

use super::super::{DataType, TimeUnit};

/// How a column is decoded.
pub(super) struct Type {
    pub name: String,
    /// The type that polars decodes it as.
    pub arrow: Arrow,
    pub special: Special,
    /// The type that callers see; `None` if it depends on the values.
    pub data_type: Option<DataType>,
    /// The display name of a type that [`DataType`] lacks.
    pub foreign: Option<String>,
}

/// Properties that the decoded type does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    None,
    /// Integers that are durations in this unit.
    Duration(ArrowUnit),
    /// Sixteen bytes that are a UUID.
    Uuid,
    /// Times stored in 96 bits: nanoseconds that may not fit in 64 bits.
    Int96,
}

impl Type {
    /// `plain` is the column's type in the Parquet schema, `hint` in the Arrow schema, if there is
    /// one.
    pub fn new(parquet: &ParquetType, plain: &Arrow, hint: Option<&Arrow>) -> Type {
        let mut special = Special::None;
        let mut arrow = merged(plain, hint.map(stored));
        let duration = hint.map(stored);
        if let (Arrow::Int64, Some(Arrow::Duration(unit))) = (&arrow, duration) {
            special = Special::Duration(*unit);
        }
        if let ParquetType::PrimitiveType(primitive) = parquet {
            if primitive.physical_type == PhysicalType::Int96 {
                special = Special::Int96;
                if let Arrow::Timestamp(unit, _) = &mut arrow {
                    *unit = ArrowUnit::Nanosecond;
                }
            }
            match primitive.logical_type {
                Some(PrimitiveLogicalType::Uuid) => special = Special::Uuid,
                Some(PrimitiveLogicalType::Float16) => arrow = Arrow::Float16,
                // 128 bits hold 38 digits.
                Some(PrimitiveLogicalType::Decimal(precision, scale)) if precision > 38 => {
                    arrow = Arrow::Decimal256(precision, scale);
                }
                _ => {}
            }
        }
        let (data_type, foreign) = carried(&arrow, special, hint);
        Type {
            name: parquet.name().to_owned(),
            arrow,
            special,
            data_type,
            foreign,
        }
    }
}

/// The value type of a dictionary or an extension.
fn stored(arrow: &Arrow) -> &Arrow {
    match arrow {
        Arrow::Dictionary(_, value, _) => stored(value),
        Arrow::Extension(extension) => stored(&extension.inner),
        other => other,
    }
}

fn merged(plain: &Arrow, hint: Option<&Arrow>) -> Arrow {
    match (plain, hint) {
        (Arrow::Timestamp(unit, None), Some(Arrow::Timestamp(_, zone))) => {
            Arrow::Timestamp(*unit, zone.clone())
        }
        (Arrow::FixedSizeBinary(2), Some(Arrow::Float16)) => Arrow::Float16,
        (Arrow::FixedSizeBinary(16), Some(wide @ (Arrow::Int128 | Arrow::UInt128))) => wide.clone(),
        (Arrow::BinaryView, Some(Arrow::Utf8 | Arrow::LargeUtf8 | Arrow::Utf8View)) => {
            Arrow::Utf8View
        }
        (plain, _) => plain.clone(),
    }
}

/// The type that callers see and, if it loses information, the name of the original type.
fn carried(
    arrow: &Arrow,
    special: Special,
    hint: Option<&Arrow>,
) -> (Option<DataType>, Option<String>) {
    let known = |data_type| (Some(data_type), None);
    let text = |name: String| (Some(DataType::Text), Some(name));
    if let Special::Duration(_) = special {
        return text("duration".to_owned());
    }
    match arrow {
        // A column with only nulls.
        Arrow::Int32 if hint == Some(&Arrow::Null) => (None, None),
        Arrow::Utf8View => known(DataType::Text),
        Arrow::Boolean => known(DataType::Bool),
        Arrow::Int8 => known(DataType::Int8),
        Arrow::Int16 => known(DataType::Int16),
        Arrow::Int32 => known(DataType::Int32),
        Arrow::Int64 => known(DataType::Integer),
        Arrow::UInt8 => known(DataType::UInt8),
        Arrow::UInt16 => known(DataType::UInt16),
        Arrow::UInt32 => known(DataType::UInt32),
        Arrow::UInt64 => known(DataType::UInt64),
        Arrow::Float32 | Arrow::Float16 => known(DataType::Float32),
        Arrow::Float64 => known(DataType::Float),
        Arrow::Date32 => known(DataType::Date),
        Arrow::Timestamp(unit, zone) => known(DataType::Datetime {
            unit: match unit {
                ArrowUnit::Second | ArrowUnit::Millisecond => TimeUnit::Milliseconds,
                ArrowUnit::Microsecond => TimeUnit::Microseconds,
                // Years beyond 2262, which INT96 can represent, do not fit in nanoseconds.
                ArrowUnit::Nanosecond if special == Special::Int96 => TimeUnit::Microseconds,
                ArrowUnit::Nanosecond => TimeUnit::Nanoseconds,
            },
            utc: zone.is_some(),
        }),
        _ if special == Special::Uuid => text("uuid".to_owned()),
        other => text(name(other)),
    }
}

/// The common name of a type.
pub(super) fn name(arrow: &Arrow) -> String {
    let fields = |fields: &[Field]| -> String {
        let names = fields.iter().map(|field| field.name.as_str());
        names.collect::<Vec<&str>>().join(", ")
    };
    match arrow {
        Arrow::Decimal(precision, scale) | Arrow::Decimal256(precision, scale) => {
            format!("decimal({precision},{scale})")
        }
        Arrow::Time32(_) | Arrow::Time64(_) => "time of day".to_owned(),
        Arrow::Binary | Arrow::LargeBinary | Arrow::BinaryView => "binary".to_owned(),
        Arrow::FixedSizeBinary(bytes) => format!("binary of {bytes} bytes"),
        Arrow::List(field) | Arrow::LargeList(field) | Arrow::FixedSizeList(field, _) => {
            format!("list of {}", name(&field.dtype))
        }
        Arrow::Struct(of) => format!("struct of {}", fields(of)),
        Arrow::Map(..) => "map".to_owned(),
        Arrow::Interval(_) => "interval".to_owned(),
        Arrow::Utf8View | Arrow::Utf8 | Arrow::LargeUtf8 => "text".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}
