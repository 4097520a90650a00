//! Writes `reports/index.html` after the verbs that change reports.

use super::args::Verb;
use crate::project::{Project, Selection};
use crate::talk::Talk;
use crate::tasks::{self, Name};
use crate::{eval, for_task};

impl Verb {
    /// Whether `reports/index.html` may be out of date after this verb, even if the verb failed.
    pub(super) fn changes_reports(&self) -> bool {
        matches!(
            self,
            Verb::Validate(_) | Verb::Train(_) | Verb::Evaluate(_) | Verb::Gate(_) | Verb::Repro(_)
        )
    }
}

/// Writes `reports/index.html` from the reports there are. If that fails, the verb only warns.
pub(super) fn write(selection: &Selection, talk: &Talk) {
    let Ok(Some(project)) = Project::open_if_any(selection) else {
        return;
    };
    let row = |name: &Name| for_task!(*name, T => eval::overview::row::<T>(&project));
    let rows = || tasks::ALL.iter().filter_map(row).collect();
    if let Err(error) = eval::overview::write(&project, rows) {
        talk.warn(format!(
            "cannot write {}: {error:#}",
            project.index().display()
        ));
    }
}
