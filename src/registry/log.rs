//! The history: what happened, and who had an alias at a time.

use std::fmt;

use anyhow::Result;
use jiff::Timestamp;
use serde::Serialize;

use crate::exit;
use crate::memory::{Place, refuse};
use registry::history::{Entry, Signed, Target};

/// Entries of the history, in order.
#[derive(Serialize)]
pub struct History {
    entries: Vec<Signed>,
}

/// The entries about a name, an alias of it (`nlp@champion`), or all.
///
/// # Errors
/// An unknown name, or a history that does not verify.
pub fn log(place: &Place, about: Option<&str>) -> Result<History> {
    let registry = place.open()?;
    let (name, alias) = match about.map(|about| about.split_once('@').ok_or(about)) {
        None => (None, None),
        Some(Ok((name, alias))) => (Some(name), Some(alias)),
        Some(Err(name)) => (Some(name), None),
    };
    if let Some(name) = name {
        registry
            .state()
            .name(name)
            .map_err(|refusal| refuse(&refusal))?;
    }
    let is_of = |signed: &&Signed| {
        let event = &signed.entry.event;
        name.is_none_or(|name| event.name() == name)
            && alias.is_none_or(|alias| event.alias() == Some(alias))
    };
    Ok(History {
        entries: registry.entries().iter().filter(is_of).cloned().collect(),
    })
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for Signed { entry, seal, .. } in &self.entries {
            let signed = if seal.is_some() { "" } else { "  (not signed)" };
            writeln!(f, "{}{signed}", line(entry))?;
        }
        Ok(())
    }
}

fn line(entry: &Entry) -> String {
    let time = entry.time.strftime("%Y-%m-%d %H:%M:%S");
    let (name, who) = (entry.event.name(), tables::shown(&entry.who));
    let event = tables::shown(&entry.event.to_string());
    format!("{:>5}  {time}  {name}: {event}  by {who}", entry.number)
}

/// Who had an alias at a time.
#[derive(Serialize)]
pub struct Asked {
    alias: String,
    time: Timestamp,
    /// `None`: nobody.
    version: Option<u64>,
    sha256: Option<String>,
    /// The entry that moved it there.
    entry: Option<Entry>,
}

/// Which version an alias, `nlp@champion`, pointed at at a time: `2026-11-30`, `2026-11-30 08:00`,
/// `2026-11-30T08:00:00Z`; UTC unless it says otherwise.
///
/// # Errors
/// What is no time, unknown names.
pub fn at(place: &Place, alias: &str, time: &str) -> Result<Asked> {
    let target: Target = alias.parse().map_err(|refusal| refuse(&refusal))?;
    let time = parse_time(time)?;
    let registry = place.open()?;
    let found = registry.at(&target.name, &target.alias, time);
    let found = found.map_err(|refusal| refuse(&refusal))?;
    let state = registry.state();
    let sha256 = |version: u64| {
        let version = state.version(&target.name, version);
        version.ok().map(|version| version.sha256.clone())
    };
    Ok(Asked {
        alias: alias.to_owned(),
        time,
        version: found.map(|(version, _)| version),
        sha256: found.and_then(|(version, _)| sha256(version)),
        entry: found.map(|(_, entry)| entry.clone()),
    })
}

/// A time, of UTC unless it has an offset.
fn parse_time(text: &str) -> Result<Timestamp> {
    use jiff::civil;
    use jiff::tz::TimeZone;
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let civil = text.parse::<civil::DateTime>();
    let civil = civil.or_else(|_| text.parse::<civil::Date>().map(|date| date.at(0, 0, 0, 0)));
    let time = civil.and_then(|civil| civil.to_zoned(TimeZone::UTC));
    time.map(|time| time.timestamp()).map_err(|_| {
        exit::usage(format!(
            "`{text}` is not a time, such as 2026-11-30, 2026-11-30T08:00 (UTC) or 2026-11-30T08:00:00+01:00"
        ))
    })
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match (self.version, &self.entry) {
            (Some(version), Some(entry)) => {
                writeln!(f, "{} was version {version} at {}", self.alias, self.time)?;
                writeln!(f, "{}", line(entry))
            }
            _ => writeln!(f, "{} was no version at {}", self.alias, self.time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_unless_they_say_otherwise() {
        let time = |text: &str| parse_time(text).unwrap().to_string();
        assert_eq!(time("2026-11-30"), "2026-11-30T00:00:00Z");
        assert_eq!(time("2026-11-30 08:15"), "2026-11-30T08:15:00Z");
        assert_eq!(time("2026-11-30T08:15:00+01:00"), "2026-11-30T07:15:00Z");
        assert!(
            parse_time("yesterday")
                .unwrap_err()
                .to_string()
                .contains("is not a time")
        );
    }
}
