//! `easylife erase`: its arguments, and whose id of which task is meant.

use std::path::PathBuf;

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args};

use super::args::{Global, task_names};
use super::registry::AccessArgs;
use super::show::Verdict;
use super::stages::refuse_sets;
use crate::exit::{self, Exit};
use crate::for_task;
use crate::memory::Place;
use crate::pipeline::erase;
use crate::project::Project;
use crate::talk::Talk;
use crate::task::{self, Task};
use crate::tasks::{self, Name};

#[derive(Args)]
#[command(group = ArgGroup::new("id").required(true).args(["user", "series", "group"]))]
pub struct EraseArgs {
    /// The task whose data hold the id [default: recsys for a user, ts for a series, for a group those with
    /// TASK.data.group]
    #[arg(value_name = "TASK", value_parser = PossibleValuesParser::new(task_names(false)))]
    pub task: Option<String>,
    /// The id of a user
    #[arg(long, value_name = "ID")]
    pub user: Option<String>,
    /// The id of a series
    #[arg(long, value_name = "ID")]
    pub series: Option<String>,
    /// The id of a group
    #[arg(long, value_name = "ID")]
    pub group: Option<String>,
    /// The column that holds the id [default: the one that params.yaml names]
    #[arg(long, value_name = "NAME")]
    pub column: Option<String>,
    /// Erase versions in the registry that know the id, too, except where an alias points at them
    #[arg(long)]
    pub all_versions: bool,
    /// Another file or folder to be cleaned and searched, such as logs of a server; may be repeated
    #[arg(long, value_name = "PATH")]
    pub also: Vec<PathBuf>,
    /// Only search; change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Wait until another run has ended
    #[arg(long)]
    pub wait: bool,
    #[command(flatten)]
    pub access: AccessArgs,
}

impl EraseArgs {
    pub(super) fn run(self, global: &Global, talk: &Talk) -> Result<Exit> {
        refuse_sets(global)?;
        let project = Project::open(&global.selection())?;
        global.start_threads()?;
        let name = self.name(&project)?;
        let given = Place {
            key: self.access.key.clone(),
            who: self.access.who.clone(),
            ..Place::default()
        };
        let place = self.access.place.place(Some(&project), given)?;
        let ids = [self.user, self.series, self.group];
        let request = erase::Request {
            // clap asks for one of them.
            id: ids.into_iter().flatten().next().unwrap_or_default(),
            column: self.column,
            also: self.also,
            all_versions: self.all_versions,
            dry_run: self.dry_run,
            wait: self.wait,
            threads: Some(global.thread_count()?).filter(|&threads| threads > 0),
        };
        let erased = for_task!(name, T => erase::run::<T>(&project, &place, &request, talk)?);
        let is_done = erased.is_complete();
        let exit = if is_done { Exit::Done } else { Exit::Partial };
        let verdict = Verdict::of(is_done);
        global.show_result(&erased, verdict)?;
        Ok(exit)
    }

    /// The task that is meant.
    fn name(&self, project: &Project) -> Result<Name> {
        if let Some(task) = &self.task {
            return task.parse().map_err(exit::usage);
        }
        if self.user.is_some() {
            return Ok(Name::Recsys);
        }
        if self.series.is_some() {
            return Ok(Name::Ts);
        }
        let mut grouped = Vec::new();
        for &name in tasks::ALL {
            let has_group = for_task!(name, T => {
                let subject = T::subject(&task::params::<T>(project)?);
                subject.is_some_and(|subject| subject.written.is_none())
            });
            if has_group {
                grouped.push(name);
            }
        }
        match grouped[..] {
            [name] => Ok(name),
            _ => Err(exit::usage(
                "name the task whose data hold the group: easylife erase TASK --group ID",
            )),
        }
    }
}
