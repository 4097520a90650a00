//! Fields of a request of the original platform, with the errors that its framework answers (FastAPI with
//! pydantic 2: status 422 and a list of what is wrong).

use serde_json::{Map, Value, json};
use server::dialect::Page;

/// Where fields come from.
#[derive(Clone, Copy)]
pub enum Origin {
    /// The JSON of the body.
    Body,
    /// The query of the target.
    Query,
}

impl Origin {
    fn name(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Query => "query",
        }
    }
}

/// Fields that are being read, and what is wrong with them.
pub struct Fields {
    origin: Origin,
    values: Map<String, Value>,
    details: Vec<Value>,
}

impl Fields {
    /// Those of a body, which must be a JSON object.
    ///
    /// # Errors
    /// The response to a body that is none.
    pub fn of_body(body: &[u8]) -> Result<Self, Page> {
        // A byte order mark is no part of the JSON.
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        if body.iter().all(u8::is_ascii_whitespace) {
            let detail = detail("missing", &["body"], "Field required", &Value::Null);
            return Err(refusal(vec![detail]));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(values)) => Ok(Self::new(Origin::Body, values)),
            Ok(other) => {
                let message = "Input should be a valid dictionary or object to extract fields from";
                let detail = detail("model_attributes_type", &["body"], message, &other);
                Err(refusal(vec![detail]))
            }
            Err(error) => {
                let place = offset(body, error.line(), error.column());
                let reason = error.to_string();
                let reason = reason.split(" at line ").next().unwrap_or("");
                Err(refusal(vec![json!({
                    "type": "json_invalid",
                    "loc": ["body", place],
                    "msg": "JSON decode error",
                    "input": {},
                    "ctx": {"error": reason},
                })]))
            }
        }
    }

    /// Those of a query.
    pub fn of_query(pairs: Vec<(String, String)>) -> Self {
        let values = pairs
            .into_iter()
            .map(|(name, value)| (name, Value::String(value)));
        Self::new(Origin::Query, values.collect())
    }

    fn new(origin: Origin, values: Map<String, Value>) -> Self {
        Self {
            origin,
            values,
            details: Vec::new(),
        }
    }

    /// A required text of at least `least` characters.
    pub fn text(&mut self, name: &str, least: usize) -> String {
        match self.values.remove(name) {
            None => {
                let input = match self.origin {
                    Origin::Body => Value::Object(self.values.clone()),
                    Origin::Query => Value::Null,
                };
                self.wrong("missing", name, "Field required", &input, None);
            }
            Some(Value::String(text)) if text.chars().count() >= least => return text,
            Some(text @ Value::String(_)) => {
                let plural = if least == 1 { "" } else { "s" };
                let message = format!("String should have at least {least} character{plural}");
                let context = json!({"min_length": least});
                self.wrong("string_too_short", name, &message, &text, Some(context));
            }
            Some(other) => {
                let message = "Input should be a valid string";
                self.wrong("string_type", name, message, &other, None);
            }
        }
        String::new()
    }

    /// An optional text.
    pub fn optional_text(&mut self, name: &str) -> Option<String> {
        match self.values.get(name) {
            None | Some(Value::Null) => None,
            Some(_) => Some(self.text(name, 0)),
        }
    }

    /// An optional whole number from `least` to `most`.
    pub fn count(&mut self, name: &str, default: i64, (least, most): (i64, i64)) -> usize {
        let Some(value) = self.values.remove(name) else {
            return default as usize;
        };
        match integer(&value) {
            Err((kind, message)) => self.wrong(kind, name, message, &value, None),
            Ok(number) if number < least => {
                let message = format!("Input should be greater than or equal to {least}");
                let context = json!({"ge": least});
                self.wrong("greater_than_equal", name, &message, &value, Some(context));
            }
            Ok(number) if number > most => {
                let message = format!("Input should be less than or equal to {most}");
                let context = json!({"le": most});
                self.wrong("less_than_equal", name, &message, &value, Some(context));
            }
            Ok(number) => return number as usize,
        }
        default as usize
    }

    /// Ends reading.
    ///
    /// # Errors
    /// The response to what was wrong.
    pub fn end(self) -> Result<(), Page> {
        match self.details.is_empty() {
            true => Ok(()),
            false => Err(refusal(self.details)),
        }
    }

    fn wrong(
        &mut self,
        kind: &str,
        name: &str,
        message: &str,
        input: &Value,
        context: Option<Value>,
    ) {
        let mut detail = detail(kind, &[self.origin.name(), name], message, input);
        if let Some(context) = context {
            detail["ctx"] = context;
        }
        self.details.push(detail);
    }
}

/// A whole number, as pydantic takes it where it is not strict.
fn integer(value: &Value) -> Result<i64, (&'static str, &'static str)> {
    const TYPE: (&str, &str) = ("int_type", "Input should be a valid integer");
    match value {
        Value::Bool(value) => Ok(i64::from(*value)),
        Value::String(text) => {
            let digits = digits(text);
            let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(&digits);
            // A number of any length is one; it is only beyond all bounds.
            let is_long = unsigned.len() > 18 && unsigned.bytes().all(|byte| byte.is_ascii_digit());
            match digits.parse() {
                Ok(number) => Ok(number),
                Err(_) if is_long && digits.starts_with('-') => Ok(i64::MIN),
                Err(_) if is_long => Ok(i64::MAX),
                Err(_) => Err((
                    "int_parsing",
                    "Input should be a valid integer, unable to parse string as an integer",
                )),
            }
        }
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Ok(number),
            (None, Some(number)) if number.fract() == 0.0 && number.abs() < 1e15 => {
                Ok(number as i64)
            }
            (None, Some(number)) if number.fract() != 0.0 => Err((
                "int_from_float",
                "Input should be a valid integer, got a number with a fractional part",
            )),
            _ => Err((
                "int_parsing_size",
                "Unable to parse input string as an integer, exceeded maximum size",
            )),
        },
        _ => Err(TYPE),
    }
}

/// The digits of a whole number: single underscores between them, and a fraction of zeros, say nothing.
fn digits(text: &str) -> String {
    let text = text.trim();
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => {
            whole
        }
        _ => text,
    };
    let parts = whole.split('_');
    match parts.clone().all(|part| !part.is_empty()) {
        true => parts.collect(),
        false => text.to_owned(),
    }
}

/// One thing that is wrong.
pub fn detail(kind: &str, place: &[&str], message: &str, input: &Value) -> Value {
    json!({"type": kind, "loc": place, "msg": message, "input": input})
}

/// The response to what is wrong.
pub fn refusal(details: Vec<Value>) -> Page {
    Page::json(422, json!({"detail": details}).to_string())
}

/// The position of a line and column that serde_json says.
fn offset(body: &[u8], line: usize, column: usize) -> usize {
    let before = body
        .split(|byte| *byte == b'\n')
        .take(line.saturating_sub(1));
    before.map(|line| line.len() + 1).sum::<usize>() + column.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(page: Page) -> Value {
        assert_eq!(page.status, 422);
        let body: Value = serde_json::from_slice(&page.body).unwrap();
        body["detail"].clone()
    }

    fn read(body: &str) -> Result<(String, usize), Value> {
        let mut fields = Fields::of_body(body.as_bytes()).map_err(details)?;
        let read = (fields.text("text", 1), fields.count("top_k", 5, (1, 20)));
        fields.end().map_err(details)?;
        Ok(read)
    }

    /// As FastAPI 0.165 and pydantic 2.14 answered the same requests.
    #[test]
    fn what_is_wrong_is_said_as_pydantic_says_it() {
        assert_eq!(read(r#"{"text": "a"}"#), Ok(("a".to_owned(), 5)));
        assert_eq!(
            read(r#"{"text": "a", "top_k": " 1_0.0 "}"#),
            Ok(("a".to_owned(), 10))
        );
        assert_eq!(
            read(r#"{"text": "a", "top_k": "7"}"#),
            Ok(("a".to_owned(), 7))
        );
        assert_eq!(
            read(r#"{"text": "a", "top_k": 7.0}"#),
            Ok(("a".to_owned(), 7))
        );
        for (body, expected) in [
            (
                "{}",
                json!([{"type": "missing", "loc": ["body", "text"], "msg": "Field required", "input": {}}]),
            ),
            (
                r#"{"text": ""}"#,
                json!([{"type": "string_too_short", "loc": ["body", "text"],
                "msg": "String should have at least 1 character", "input": "", "ctx": {"min_length": 1}}]),
            ),
            (
                r#"{"text": 5}"#,
                json!([{"type": "string_type", "loc": ["body", "text"],
                "msg": "Input should be a valid string", "input": 5}]),
            ),
            (
                r#"{"text": "a", "top_k": 0}"#,
                json!([{"type": "greater_than_equal", "loc": ["body", "top_k"],
                "msg": "Input should be greater than or equal to 1", "input": 0, "ctx": {"ge": 1}}]),
            ),
            (
                r#"{"text": "a", "top_k": 21}"#,
                json!([{"type": "less_than_equal", "loc": ["body", "top_k"],
                "msg": "Input should be less than or equal to 20", "input": 21, "ctx": {"le": 20}}]),
            ),
            (
                r#"{"text": "a", "top_k": "x"}"#,
                json!([{"type": "int_parsing", "loc": ["body", "top_k"],
                "msg": "Input should be a valid integer, unable to parse string as an integer", "input": "x"}]),
            ),
            (
                r#"{"text": "a", "top_k": 1.5}"#,
                json!([{"type": "int_from_float", "loc": ["body", "top_k"],
                "msg": "Input should be a valid integer, got a number with a fractional part", "input": 1.5}]),
            ),
            (
                r#"{"text": "a", "top_k": null}"#,
                json!([{"type": "int_type", "loc": ["body", "top_k"],
                "msg": "Input should be a valid integer", "input": null}]),
            ),
            (
                "[1]",
                json!([{"type": "model_attributes_type", "loc": ["body"],
                "msg": "Input should be a valid dictionary or object to extract fields from", "input": [1]}]),
            ),
            (
                "",
                json!([{"type": "missing", "loc": ["body"], "msg": "Field required", "input": null}]),
            ),
        ] {
            assert_eq!(read(body), Err(expected), "{body}");
        }
        let long = read(r#"{"text": "a", "top_k": "99999999999999999999999"}"#).unwrap_err();
        assert_eq!(long[0]["type"], "less_than_equal");
        let mut query = Fields::of_query(vec![("top_k".to_owned(), String::new())]);
        query.text("user_id", 0);
        query.count("top_k", 5, (1, 30));
        let wrong = query.end().map_err(details).unwrap_err();
        let missing = json!({"type": "missing", "loc": ["query", "user_id"], "msg": "Field required", "input": null});
        assert_eq!(
            (&wrong[0], &wrong[1]["type"]),
            (&missing, &"int_parsing".into())
        );
        let broken = read("{\"text\": ").unwrap_err();
        assert_eq!(
            (&broken[0]["type"], &broken[0]["loc"][0]),
            (&"json_invalid".into(), &"body".into())
        );
    }
}
