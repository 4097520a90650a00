//! How the times of a stranger's table are written: decided by the head of the file where that is sure, otherwise
//! asked.

use anyhow::Result;

use super::head::Head;
use super::own::{Ask, Chosen, Own};
use crate::exit;
use tables::clock::DateFormat;
use tables::shown;

/// The option of `init` that says it.
const FLAG: &str = "--date-format";

/// The key of the format and its value; `None` where times are read without one. `columns` are those that were
/// chosen, with their keys.
///
/// # Errors
/// Where several formats read the column and nobody can be asked, or the one that was named does not.
pub(super) fn format(
    own: &Own,
    head: &Head,
    columns: &[Chosen],
    ask: Ask<'_>,
) -> Result<Option<Chosen>> {
    let given = own.date_format.as_deref();
    let Some(time) = columns
        .iter()
        .find(|column| column.key.ends_with(".data.time"))
    else {
        return match given {
            None => Ok(None),
            Some(_) => Err(exit::usage(format!("{FLAG}: there is no column of times"))),
        };
    };
    let key = time.key.replace(".data.time", ".data.date_format");
    if let Some(given) = given {
        refuse_unlike(given, own, head, &time.value)?;
        return Ok(Some(Chosen::name(&key, given.to_owned(), true)));
    }
    let Some(candidates) = head.dates(&time.value) else {
        return Ok(None);
    };
    let (example, read) = candidates.examples();
    let chosen = match &read[..] {
        [] => return Ok(None),
        [(pattern, _)] => pattern.clone(),
        several => {
            let each: Vec<String> = { several.iter() }
                .map(|(pattern, time)| format!("\"{pattern}\" ({time})"))
                .collect();
            let each = each.join(" or ");
            let question = format!(
                "`{}` in column `{}` may be {each}: which format is it?",
                shown(example),
                shown(&time.value)
            );
            let patterns: Vec<&str> = several.iter().map(|(pattern, _)| &pattern[..]).collect();
            ask(&question, &patterns).ok_or_else(|| {
                exit::usage(format!(
                    "{}: column `{}`: `{}` may be {each}; name the format with {FLAG} FORMAT",
                    own.source.display(),
                    shown(&time.value),
                    shown(example)
                ))
            })?
        }
    };
    Ok(Some(Chosen::name(&key, chosen, false)))
}

/// Refuses a format that does not read a cell of the head.
fn refuse_unlike(given: &str, own: &Own, head: &Head, column: &str) -> Result<()> {
    let format: DateFormat =
        { given.parse() }.map_err(|reason: String| exit::usage(format!("{FLAG}: {reason}")))?;
    let mut texts = head.texts(column);
    match texts.find(|text| !DateFormat::reads(Some(&format), text)) {
        None => Ok(()),
        Some(text) => Err(exit::usage(format!(
            "{}: column `{}`: `{}` is not a time in the format \"{format}\" ({FLAG})",
            own.source.display(),
            shown(column),
            shown(text)
        ))),
    }
}
