//! Reading the tensors and parameters of a request, for the tasks.

use serde_json::Value;
use server::{Data, Fault, FaultKind, InferRequest, Tensor};

use scoring::{Refusal, RefusalKind};

/// Parameters that clients of the protocol send for servers of other makes, and that change no answer.
const NEUTRAL: [&str; 6] = [
    "content_type",
    "headers",
    "priority",
    "sequence_id",
    "sequence_start",
    "sequence_end",
];

/// The parameters of a request.
pub struct Parameters<'a>(&'a serde_json::Map<String, Value>);

impl<'a> Parameters<'a> {
    /// Those of a request, which must be among `known`: a misspelt one would change the answer without a word.
    ///
    /// # Errors
    /// One that is unknown.
    pub fn of(request: &'a InferRequest, known: &[&str]) -> Result<Self, Fault> {
        let unknown = (request.parameters.keys())
            .find(|name| !known.contains(&name.as_str()) && !NEUTRAL.contains(&name.as_str()));
        match (unknown, known) {
            (None, _) => Ok(Self(&request.parameters)),
            (Some(name), []) => Err(Fault::invalid(format!(
                "unknown parameter `{name}`; this model has none"
            ))),
            (Some(name), _) => Err(Fault::invalid(format!(
                "unknown parameter `{name}`; expected one of `{}`",
                known.join("`, `")
            ))),
        }
    }

    /// A whole number from 1 to `most`.
    ///
    /// # Errors
    /// Another value.
    pub fn count(&self, name: &str, most: usize) -> Result<Option<usize>, Fault> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let number = value
            .as_u64()
            .and_then(|number| usize::try_from(number).ok());
        match number.filter(|number| (1..=most).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(Fault::invalid(format!(
                "parameter `{name}` must be a whole number from 1 to {most}"
            ))),
        }
    }

    /// True or false; false where it is not given.
    ///
    /// # Errors
    /// Another value.
    pub fn flag(&self, name: &str) -> Result<bool, Fault> {
        match self.0.get(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(_) => Err(Fault::invalid(format!(
                "parameter `{name}` must be true or false"
            ))),
        }
    }

    /// A list of numbers, or one number.
    ///
    /// # Errors
    /// Another value.
    pub fn numbers(&self, name: &str) -> Result<Option<Vec<f64>>, Fault> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let numbers = match value {
            Value::Array(values) => values.iter().map(Value::as_f64).collect(),
            value => value.as_f64().map(|number| vec![number]),
        };
        numbers
            .map(Some)
            .ok_or_else(|| Fault::invalid(format!("parameter `{name}` must be a list of numbers")))
    }

    /// A list of texts or whole numbers, as texts.
    ///
    /// # Errors
    /// Another value.
    pub fn ids(&self, name: &str) -> Result<Option<Vec<String>>, Fault> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let id = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) if !number.is_f64() => Some(number.to_string()),
            _ => None,
        };
        let ids = value
            .as_array()
            .and_then(|values| values.iter().map(id).collect());
        ids.map(Some)
            .ok_or_else(|| Fault::invalid(format!("parameter `{name}` must be a list of ids")))
    }
}

/// The value of an input of texts where all rows have the same one: what the request is about.
pub fn only<'a>(request: &'a InferRequest, name: &str) -> Option<&'a [u8]> {
    let strings = request.input(name).and_then(Tensor::strings)?;
    let first = strings.get(0)?;
    strings.iter().all(|value| value == first).then_some(first)
}

/// The values of an input of texts, if it is given.
///
/// # Errors
/// One that is not UTF-8.
pub fn texts<'a>(request: &'a InferRequest, name: &str) -> Result<Option<Vec<&'a str>>, Fault> {
    let Some(strings) = request.input(name).and_then(Tensor::strings) else {
        return Ok(None);
    };
    let text = |(position, bytes): (usize, &'a [u8])| {
        std::str::from_utf8(bytes).map_err(|_| {
            Fault::invalid(format!(
                "input `{name}`: value {} is not UTF-8",
                position + 1
            ))
        })
    };
    strings
        .iter()
        .enumerate()
        .map(text)
        .collect::<Result<_, _>>()
        .map(Some)
}

/// The values of an input of numbers, if it is given.
pub fn numbers<'a>(request: &'a InferRequest, name: &str) -> Option<&'a [f64]> {
    match &request.input(name)?.data {
        Data::Fp64(values) => Some(values),
        _ => None,
    }
}

/// A refusal of a scorer as a fault; `about` names the record.
pub fn fault(refusal: &Refusal, about: &str) -> Fault {
    let kind = match refusal.kind {
        RefusalKind::Missing => FaultKind::Missing,
        RefusalKind::Unknown => FaultKind::Unknown,
        RefusalKind::Invalid | RefusalKind::Undecidable => FaultKind::Invalid,
    };
    Fault::new(kind, format!("{about}: {}", refusal.reason))
}

/// The first of the ids that are equal to one another, in order.
pub fn distinct<'a>(ids: &[&'a str]) -> Vec<&'a str> {
    let mut seen = std::collections::HashSet::new();
    ids.iter().copied().filter(|id| seen.insert(*id)).collect()
}

/// Columns that are given beside each other must have as many values.
///
/// # Errors
/// Two that differ.
pub fn same_length(columns: &[(&str, Option<usize>)]) -> Result<(), Fault> {
    let mut given = columns
        .iter()
        .filter_map(|(name, length)| Some((name, (*length)?)));
    let Some((first, length)) = given.next() else {
        return Ok(());
    };
    match given.find(|(_, other)| *other != length) {
        None => Ok(()),
        Some((name, other)) => Err(Fault::invalid(format!(
            "input `{name}` has {other} values and `{first}` {length}; they must have as many"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(parameters: Value) -> InferRequest {
        let Value::Object(parameters) = parameters else {
            panic!("an object");
        };
        InferRequest {
            parameters,
            ..InferRequest::default()
        }
    }

    #[test]
    fn parameters_are_read_or_refused() {
        let known = ["k", "levels", "allow"];
        let given =
            request(json!({"k": 3, "levels": [80, 99.5], "allow": ["a", 7], "content_type": "x"}));
        let read = Parameters::of(&given, &known).unwrap();
        assert_eq!(read.count("k", 10), Ok(Some(3)));
        assert_eq!(read.numbers("levels"), Ok(Some(vec![80.0, 99.5])));
        assert_eq!(
            read.ids("allow"),
            Ok(Some(vec!["a".to_owned(), "7".to_owned()]))
        );
        assert_eq!(read.ids("deny"), Ok(None));
        assert!(read.count("k", 2).is_err());
        for wrong in [
            json!({"k": 0}),
            json!({"k": "3"}),
            json!({"k": 1.5}),
            json!({"k": -1}),
        ] {
            let wrong = request(wrong);
            assert!(
                Parameters::of(&wrong, &known)
                    .unwrap()
                    .count("k", 10)
                    .is_err()
            );
        }
        let misspelt = request(json!({"levles": []}));
        let fault = Parameters::of(&misspelt, &known).err().unwrap();
        assert_eq!(
            fault.reason,
            "unknown parameter `levles`; expected one of `k`, `levels`, `allow`"
        );
    }

    #[test]
    fn columns_have_as_many_values() {
        assert_eq!(
            same_length(&[("a", None), ("b", Some(2)), ("c", Some(2))]),
            Ok(())
        );
        let fault = same_length(&[("a", Some(3)), ("b", Some(2))]).unwrap_err();
        assert_eq!(
            fault.reason,
            "input `b` has 2 values and `a` 3; they must have as many"
        );
    }

    #[test]
    fn ids_are_kept_once_in_their_order() {
        assert_eq!(distinct(&["b", "a", "b", "c", "a"]), ["b", "a", "c"]);
    }
}
