//! Aliases that move after a run was sent: promotions, rollbacks, removals.

use serde::{Deserialize, Serialize};

use super::client::Client;
use super::error::Error;
use super::record::{RecordError, check_alias, check_id, check_model};

/// An alias of a registered model that points to another version from now on, or to none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AliasChange {
    /// Our id of the change, by the rules of [`Mirrored::id`](super::Mirrored::id); no run has it.
    pub id: String,
    /// The registered model's name.
    pub model: String,
    /// The alias.
    pub alias: String,
    /// Our id of the run that made the version; `None` removes the alias.
    pub run: Option<String>,
    /// When it was decided, in milliseconds since 1970. Changes and runs are sent in this order.
    pub at_ms: i64,
}

/// An alias that is on the server as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Our id of the change.
    pub id: String,
    /// The server's version that the alias points to; `None` if it points to none.
    pub version: Option<String>,
    /// What was left out, and why: a sentence each.
    pub notes: Vec<String>,
}

impl AliasChange {
    pub(super) fn check(&self) -> Result<(), RecordError> {
        check_id(&self.id)?;
        check_model(&self.model)?;
        check_alias(&self.alias)?;
        self.run.as_deref().map_or(Ok(()), check_id)
    }
}

/// Moves an alias and reads it back. One whose version the server does not have is left as it is.
pub(super) fn send(client: &Client, change: &AliasChange) -> Result<Moved, Error> {
    let mut moved = Moved {
        id: change.id.clone(),
        version: None,
        notes: Vec::new(),
    };
    let (model, alias) = (change.model.as_str(), change.alias.as_str());
    let now = points_to(client, change)?;
    match &change.run {
        Some(run) => match client.versions_of(model, run)?.first() {
            None => {
                moved.version = now;
                moved.notes.push(format!(
                    "the alias {alias} of {model} was not moved: the server has no version that \
                     run {run} made"
                ));
                return Ok(moved);
            }
            Some(version) => moved.version = Some(version.clone()),
        },
        None => moved.version = None,
    }
    if now == moved.version {
        return Ok(moved);
    }
    match &moved.version {
        Some(version) => client.set_alias(model, alias, version)?,
        None => client.delete_alias(model, alias)?,
    }
    match points_to(client, change)? == moved.version {
        true => Ok(moved),
        false => Err(Error::NotConfirmed {
            id: change.id.clone(),
            what: format!("the alias {alias} of {model} as it was set"),
        }),
    }
}

/// The version that the alias points to; None if there is no such alias or model.
fn points_to(client: &Client, change: &AliasChange) -> Result<Option<String>, Error> {
    let aliases = client.aliases(&change.model)?.unwrap_or_default();
    let mut aliases = aliases.into_iter();
    let found = aliases.find(|found| found.alias == change.alias);
    Ok(found.map(|found| found.version))
}
