//! A pipeline read from disk: its stages, their order, and the selected ones.

use std::path::Path;

use yaml::{Data, Node};

use crate::config::Config;
use crate::context::Context;
use crate::define;
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::graph::Graph;
use crate::program::Program;
use crate::stage::Stage;

/// The stages of a pipeline and their dependencies.
pub struct Pipeline {
    pub(crate) folder: Folder,
    pub(crate) config: Config,
    pub(crate) stages: Vec<Stage>,
    pub(crate) graph: Graph,
}

/// Selects stages of a pipeline.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Names of stages or groups (`train` for `train@nlp` and the others); empty for all.
    pub targets: Vec<String>,
    /// Select the targets and their dependents, instead of their prerequisites.
    pub downstream: bool,
    /// Select the targets only.
    pub single_item: bool,
}

/// The rest of a plan after some stages are removed.
#[derive(Debug, Default)]
pub struct Remaining {
    /// Indices of the stages to run.
    pub plan: Vec<usize>,
    /// Names of the stages to leave out.
    pub left_out: Vec<String>,
    /// Stages that depend on outputs of the removed stages.
    pub dependent: Vec<Dependent>,
}

/// A stage that depends on an output of a removed stage.
#[derive(Debug)]
pub struct Dependent {
    /// Its position in the pipeline file.
    pub place: String,
    /// Its name.
    pub name: String,
    /// Whether it is removed as well.
    pub is_left_out: bool,
    /// Dependencies that do not exist and that no remaining stage creates.
    pub missing: Vec<String>,
}

impl Pipeline {
    /// Reads the pipeline of `folder`, or, if it is `None`, of the nearest folder with a dvc.yaml,
    /// from the working folder upwards.
    ///
    /// # Errors
    /// [`Error::NoPipeline`] or [`Error::Unreadable`] if there is none; [`Error::Invalid`] or
    /// [`Error::Config`] if dvc.yaml, a parameter file or `.dvc/config` is invalid or uses
    /// something unsupported.
    ///
    /// # Examples
    /// ```
    /// use easylife_dvc::runner::{self, Ended, RunOptions};
    /// use easylife_dvc::{Observer, Pipeline, Program, Selection};
    ///
    /// /// Hears nothing.
    /// struct Silent;
    ///
    /// impl Observer for Silent {
    ///     fn note(&self, _: &str) {}
    ///     fn detail(&self, _: &str) {}
    ///     fn warn(&self, _: &str) {}
    ///     fn output(&self, _: &[u8]) {}
    /// }
    ///
    /// let program = Program {
    ///     name: "tool",
    ///     replacing_verbs: &[],
    ///     run_variable: "TOOL_RUN",
    ///     threads_variable: "TOOL_THREADS",
    ///     private_variables: &[],
    ///     verification_variables: &[],
    ///     differences: &[],
    /// };
    /// let options = RunOptions {
    ///     force: false,
    ///     keep_going: false,
    ///     no_run_cache: false,
    ///     jobs: 1,
    ///     wait: false,
    ///     threads: None,
    /// };
    /// let dir = tempfile::tempdir().unwrap();
    /// let stages = "stages:\n  a: {cmd: echo 1 > a, outs: [a]}\n  b: {cmd: cat a > b, deps: [a], outs: [b]}\n";
    /// std::fs::write(dir.path().join("dvc.yaml"), stages).unwrap();
    ///
    /// let mut pipeline = Pipeline::open(Some(dir.path()), program)?;
    /// let plan = pipeline.select(&Selection::default())?;
    /// let ends = runner::run(&pipeline, &plan, &options, &Silent)?;
    /// assert!(ends.iter().all(|(_, ended)| matches!(ended, Ended::Ran(_))));
    /// assert_eq!(std::fs::read(dir.path().join("b")).unwrap(), b"1\n");
    /// // Nothing has changed.
    /// let ends = runner::run(&pipeline, &plan, &options, &Silent)?;
    /// assert!(ends.iter().all(|(_, ended)| *ended == Ended::UpToDate));
    /// # Ok::<(), easylife_dvc::Error>(())
    /// ```
    pub fn open(folder: Option<&Path>, program: Program) -> Result<Self> {
        let folder = match folder {
            Some(folder) => Folder::open(folder, program)?,
            None => Folder::find(program)?.ok_or(Error::NoPipeline)?,
        };
        let config = Config::read(&folder)?;
        let mut context = Context::of(Node::new(Data::Map(Vec::new())));
        context.boolean_optional = config.boolean_optional;
        context.list_append = config.list_append;
        let stages = define::stages(&folder, context)?;
        let graph = Graph::of(&stages, &folder.pipeline())?;
        Ok(Self {
            folder,
            config,
            stages,
            graph,
        })
    }

    /// Names of the stages, in the order of dvc.yaml.
    pub fn names(&self) -> Vec<String> {
        self.stages.iter().map(|stage| stage.name.clone()).collect()
    }

    /// Stages that run `command` and do not depend on `path` or a folder around it, as position and
    /// name.
    ///
    /// For a warning that a stage would not notice a change: `command` is compared with whole lines of the
    /// stage's `cmd`, and a dependency on a folder covers what is in it. Empty if `path` does not exist.
    pub fn without_dependency(&self, command: &str, path: &Path) -> Vec<String> {
        // A path that does not exist is not an input yet.
        let Ok(path) = path.canonicalize() else {
            return Vec::new();
        };
        let holds = |dep: &Path| dep.canonicalize().is_ok_and(|dep| path.starts_with(dep));
        let place = |stage| self.place(stage);
        let stages = self.stages.iter().filter(|stage| {
            stage.cmd.lines().contains(&command) && !stage.deps.iter().any(|dep| holds(&dep.path))
        });
        stages.map(place).collect()
    }

    fn place(&self, stage: &Stage) -> String {
        let file = self.folder.pipeline();
        format!(
            "{}:{}: stage `{}`",
            file.display(),
            stage.at.line,
            stage.name
        )
    }

    /// Removes from `plan` the stages that run one of `commands`, and those that depend on their
    /// outputs if `leaves_out` says so for their first command. Returns which stages depend on the
    /// removed ones.
    ///
    /// Stages that depend on a removed one stay in the plan unless `leaves_out` says otherwise, since what
    /// they need may exist already; [`Dependent::missing`] names what does not. `plan` has to be in
    /// execution order, as [`Pipeline::select`] returns it.
    pub fn without(
        &self,
        plan: &[usize],
        commands: &[String],
        leaves_out: impl Fn(&str) -> bool,
    ) -> Remaining {
        let runs = |stage: &Stage| {
            let lines = stage.cmd.lines();
            commands
                .iter()
                .any(|command| lines.contains(&command.as_str()))
        };
        let (mut remaining, mut out) = (Remaining::default(), Vec::new());
        for &position in plan {
            let stage = &self.stages[position];
            if runs(stage) {
                out.push(position);
                remaining.left_out.push(stage.name.clone());
                continue;
            }
            let needs = self.graph.needs(position);
            let mut is_left_out = false;
            if needs.iter().any(|need| out.contains(need)) {
                let lines = stage.cmd.lines();
                is_left_out = lines.first().is_some_and(|command| leaves_out(command));
                remaining.dependent.push(Dependent {
                    place: self.place(stage),
                    name: stage.name.clone(),
                    is_left_out,
                    missing: self.missing_of(stage, &out),
                });
            }
            match is_left_out {
                true => out.push(position),
                false => remaining.plan.push(position),
            }
        }
        remaining
    }

    /// Dependencies that do not exist and that only a stage of `out` would create.
    fn missing_of(&self, stage: &Stage, out: &[usize]) -> Vec<String> {
        let made = |path: &Path| {
            let outs = out.iter().flat_map(|&position| &self.stages[position].outs);
            let mut paths = outs.map(|out| &out.path);
            paths.any(|out| path.starts_with(out) || out.starts_with(path))
        };
        let missing = stage
            .deps
            .iter()
            .filter(|dep| !dep.path.exists() && made(&dep.path));
        missing.map(|dep| self.folder.show(&dep.path)).collect()
    }

    /// Indices of the selected stages, in execution order.
    ///
    /// A group's name selects all of its stages, and `dvc.yaml` every stage. Frozen stages have no
    /// prerequisites from then on, so that nothing above them is selected.
    ///
    /// # Errors
    /// [`Error::UnknownStage`].
    pub fn select(&mut self, selection: &Selection) -> Result<Vec<usize>> {
        let targets = self.targets(&selection.targets)?;
        if selection.single_item {
            return Ok(targets);
        }
        self.graph.freeze(&self.stages);
        Ok(if selection.downstream {
            self.graph.downstream(&targets)
        } else {
            self.graph.upstream(&targets)
        })
    }

    fn targets(&self, names: &[String]) -> Result<Vec<usize>> {
        if names.is_empty() {
            return Ok((0..self.stages.len()).collect());
        }
        let mut found = Vec::new();
        for name in names {
            let name = name.strip_prefix("dvc.yaml:").unwrap_or(name);
            let group = format!("{name}@");
            let matching: Vec<usize> = (0..self.stages.len())
                .filter(|&i| {
                    let stage = &self.stages[i].name;
                    name == "dvc.yaml" || stage == name || stage.starts_with(&group)
                })
                .collect();
            if matching.is_empty() {
                return Err(Error::UnknownStage {
                    name: name.to_owned(),
                    file: self.folder.pipeline(),
                    known: self.stages.iter().map(|s| s.name.clone()).collect(),
                });
            }
            for stage in matching {
                if !found.contains(&stage) {
                    found.push(stage);
                }
            }
        }
        Ok(found)
    }
}
