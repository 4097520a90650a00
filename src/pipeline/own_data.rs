//! Leaves out the stages that a project on its own data does not need: those that make a sample, and those that
//! score it.

use dvc::Pipeline;

use super::sample::Unused;
use crate::talk::Talk;

/// `plan` without the stages that make `unused` samples, unless they are named in `targets`. Prints which stages
/// are left out, and which of the others depend on files of a sample.
pub(super) fn leave_out(
    pipeline: &Pipeline,
    plan: &[usize],
    targets: &[String],
    unused: &[Unused],
    talk: &Talk,
) -> Vec<usize> {
    let named = |task: &str| {
        targets
            .iter()
            .any(|target| *target == format!("sample@{task}"))
    };
    let unused = unused.iter().filter(|sample| !named(sample.task));
    let mut plan = plan.to_vec();
    for Unused {
        task,
        source,
        commands,
    } in unused
    {
        let scores = |command: &str| command.starts_with("easylife predict");
        let remaining = pipeline.without(&plan, commands, scores);
        for stage in &remaining.left_out {
            talk.note(format!("{stage}: left out: {task}.data.source is {source}"));
        }
        for stage in &remaining.dependent {
            match (stage.is_left_out, &stage.missing[..]) {
                (true, _) => talk.warn(format!(
                    "{} is left out: {task}.predict.input in params.yaml is still a file of the sample; set it to \
                    the file to score",
                    stage.name
                )),
                (false, []) => {}
                (false, missing) => talk.warn(format!(
                    "{} depends on {}, which belongs to the sample, but {task}.data.source is {source}; replace \
                    it by the file of your own data, or remove the line",
                    stage.place,
                    missing.join(", ")
                )),
            }
        }
        plan = remaining.plan;
    }
    plan
}
