//! `easylife registry`, `keys` and `verify-signature`: their arguments.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::args::Global;
use super::model::PlaceArgs;
use super::show::Verdict;
use crate::exit::Exit;
use crate::memory::Place;
use crate::project::Project;
use crate::registry::{self, Add};
use crate::talk::Talk;
use crate::tasks::Name;

#[derive(Args)]
pub struct RegistryArgs {
    #[command(subcommand)]
    pub what: Option<What>,
    #[command(flatten)]
    pub access: AccessArgs,
}

/// Where the registry is, and as whom.
#[derive(Args)]
pub struct AccessArgs {
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Private key in PEM that signs what is written to the history
    #[arg(
        long,
        value_name = "FILE",
        env = "EASYLIFE_REGISTRY_KEY",
        hide_env = true,
        global = true
    )]
    pub key: Option<PathBuf>,
    /// Who writes, for the history: an operator or a job [default: the user]
    #[arg(
        long,
        value_name = "NAME",
        env = "EASYLIFE_REGISTRY_WHO",
        hide_env = true,
        global = true
    )]
    pub who: Option<String>,
}

#[derive(Subcommand)]
pub enum What {
    /// Make a model file the next version of a name, with what it was made of and how good it is
    Add {
        /// A model file, or a task: the project's model of it
        #[arg(value_name = "MODEL|TASK")]
        file: PathBuf,
        /// Its name in the registry [default: its task]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Sign it with this private key, into MODEL.sig
        #[arg(long, value_name = "KEY")]
        sign: Option<PathBuf>,
    },
    /// Point an alias at a version; exit 3 if it is not better
    Promote {
        /// The alias, such as nlp@champion; it is made if there is none
        #[arg(value_name = "NAME@ALIAS")]
        alias: String,
        /// A version: its number, another alias of it, or `latest`
        #[arg(value_name = "VERSION")]
        version: String,
        /// Only if the version is better by this metric than the one that the alias points at; METRIC:higher or
        /// METRIC:lower where that is not known
        #[arg(long, value_name = "METRIC", conflicts_with = "note")]
        if_better: Option<String>,
        #[command(flatten)]
        note: NoteArgs,
    },
    /// Point an alias at the version that it pointed at before
    Rollback {
        /// The alias
        #[arg(value_name = "NAME@ALIAS")]
        alias: String,
        #[command(flatten)]
        note: NoteArgs,
    },
    /// Remove an alias
    Unset {
        /// The alias
        #[arg(value_name = "NAME@ALIAS")]
        alias: String,
        #[command(flatten)]
        note: NoteArgs,
    },
    /// Let no alias point at a version any more
    Retire {
        /// The version, such as nlp@2
        #[arg(value_name = "NAME@VERSION")]
        version: String,
        #[command(flatten)]
        note: NoteArgs,
    },
    /// Write the model file of a version
    Get {
        /// The version: nlp@champion, nlp@2, or nlp for the newest
        #[arg(value_name = "NAME[@VERSION]")]
        version: String,
        /// The file
        #[arg(short, long, value_name = "OUT")]
        output: PathBuf,
    },
    /// All versions of a name, or one version
    Show {
        /// A name, or a version such as nlp@champion or nlp@2
        #[arg(value_name = "NAME[@VERSION]")]
        name: String,
    },
    /// What happened when, by whom and why; or who had an alias at a time
    Log {
        /// A name, or an alias such as nlp@champion [default: all]
        #[arg(value_name = "NAME[@ALIAS]")]
        about: Option<String>,
        /// Which version the alias pointed at then: 2026-11-30, 2026-11-30T08:00 (UTC)
        #[arg(long, value_name = "TIME", requires = "about")]
        at: Option<String>,
    },
    /// Data, parameters, code and model of a version, and the aliases that pointed at it
    Lineage {
        /// The version: nlp@champion, nlp@2, or nlp for the newest
        #[arg(value_name = "NAME[@VERSION]")]
        version: String,
        /// Write it as a page, too
        #[arg(short, long, value_name = "PAGE")]
        output: Option<PathBuf>,
    },
    /// Verify the history, every model and, with --trusted-key, every signature; exit 4 if something is wrong
    Check {
        /// What an earlier `check --json` printed: the history must still contain it
        #[arg(long, value_name = "FILE")]
        since: Option<PathBuf>,
        /// Remove what killed writers left behind, first
        #[arg(long)]
        repair: bool,
    },
    /// Back up all models, the history and the runs beside it
    Backup {
        /// A new file that ends in .tar, a new folder, or s3://BUCKET/PREFIX
        #[arg(value_name = "TO")]
        to: PathBuf,
    },
    /// Restore a backup into an empty registry
    Restore {
        /// The backup
        #[arg(value_name = "FROM")]
        from: PathBuf,
    },
}

#[derive(Args)]
pub struct NoteArgs {
    /// Why, for the history
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub note: String,
}

impl RegistryArgs {
    pub(super) fn run(
        self,
        global: &Global,
        #[cfg_attr(not(feature = "mlflow"), expect(unused_variables))] talk: &Talk,
    ) -> Result<Exit> {
        let project = Project::open_if_any(&global.selection())?;
        let project = project.as_ref();
        let given = Place {
            key: self.access.key,
            who: self.access.who,
            ..Place::default()
        };
        let place = self.access.place.place(project, given)?;
        let done = Verdict::Fine;
        match self.what {
            None => global.show(&registry::list(&place, None)?)?,
            Some(What::Add { file, name, sign }) => {
                let file = named(project, file);
                let request = Add { file, name, sign };
                let added = registry::add(project, &place, &request)?;
                #[cfg(feature = "mlflow")]
                added.mirror(project, talk);
                global.show_result(&added, done)?;
            }
            Some(What::Promote {
                alias,
                version,
                if_better,
                note,
            }) => {
                let if_better = if_better.as_deref();
                let moved = registry::promote(&place, &alias, &version, if_better, note.note)?;
                #[cfg(feature = "mlflow")]
                moved.mirror(&place, project, talk)?;
                global.show_result(&moved, done)?;
            }
            Some(What::Rollback { alias, note }) => {
                let moved = registry::rollback(&place, &alias, &note.note)?;
                #[cfg(feature = "mlflow")]
                moved.mirror(&place, project, talk)?;
                global.show_result(&moved, done)?;
            }
            Some(What::Unset { alias, note }) => {
                let moved = registry::unset(&place, &alias, &note.note)?;
                #[cfg(feature = "mlflow")]
                moved.mirror(&place, project, talk)?;
                global.show_result(&moved, done)?;
            }
            Some(What::Retire { version, note }) => {
                global.show_result(&registry::retire(&place, &version, &note.note)?, done)?;
            }
            Some(What::Get { version, output }) => {
                global.show_result(&registry::save(&place, &version, &output)?, done)?;
            }
            Some(What::Show { name }) => match name.contains('@') {
                true => global.show(&registry::show(&place, &name)?)?,
                false => global.show(&registry::list(&place, Some(&name))?)?,
            },
            Some(What::Log { about, at }) => match (about, at) {
                (Some(alias), Some(time)) => global.show(&registry::at(&place, &alias, &time)?)?,
                (about, _) => global.show(&registry::log(&place, about.as_deref())?)?,
            },
            Some(What::Lineage { version, output }) => {
                global.show(&registry::lineage(&place, &version, output.as_deref())?)?;
            }
            Some(What::Check { since, repair }) => {
                let checked = registry::check(&place, since.as_deref(), repair)?;
                global.show_result(&checked, Verdict::of(checked.is_clean()))?;
                if !checked.is_clean() {
                    return Ok(Exit::Data);
                }
            }
            Some(What::Backup { to }) => {
                global.show_result(&registry::backup(&place, &to)?, done)?;
            }
            Some(What::Restore { from }) => {
                global.show_result(&registry::restore(&place, &from)?, done)?;
            }
        }
        Ok(Exit::Done)
    }
}

/// The model file; the name of a task means the project's model of it, unless a file has that name.
fn named(project: Option<&Project>, file: PathBuf) -> PathBuf {
    let task = file.to_str().filter(|_| !file.is_file());
    let task = task.and_then(|name| name.parse::<Name>().ok());
    match (task, project) {
        (Some(task), Some(project)) => project.model(task.as_str()),
        _ => file,
    }
}

#[derive(Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    pub what: KeysWhat,
}

#[derive(Subcommand)]
pub enum KeysWhat {
    /// Make a pair of keys (ECDSA on P-256) that sign models and the history of a registry
    New {
        /// File of the private key, which must be new; the public one is FILE.pub
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

impl KeysArgs {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let KeysWhat::New { file } = self.what;
        global.show_result(&registry::new_keys(&file)?, Verdict::Fine)?;
        Ok(Exit::Done)
    }
}

#[derive(Args)]
pub struct VerifySignatureArgs {
    /// The file; its signature is FILE.sig, as `registry add --sign` and model-signing write it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Public key in PEM, one of which must have signed it; repeatable
    #[arg(
        long = "trusted-key",
        value_name = "FILE",
        env = "EASYLIFE_TRUSTED_KEY",
        hide_env = true,
        value_delimiter = ','
    )]
    pub trusted: Vec<PathBuf>,
}

impl VerifySignatureArgs {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        global.show_result(&registry::verify(&self.file, &self.trusted)?, Verdict::Fine)?;
        Ok(Exit::Done)
    }
}
