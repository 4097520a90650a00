//! Which stage depends on which, derived from outputs and dependencies that overlap.
//!
//! Stages run in DVC's order: depth first from each stage in the order of dvc.yaml, prerequisites
//! first, in the order of the stage's dependencies.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use yaml::Fault;

use crate::error::InFile as _;
use crate::error::Result;
use crate::stage::{Out, Stage};

/// For each stage the indices of the stages it depends on, in the order of its dependencies.
pub struct Graph {
    needs: Vec<Vec<usize>>,
}

impl Graph {
    /// Builds the graph; refuses overlapping outputs and cycles.
    ///
    /// An output overlaps another if one is, or contains, the other; a dependency or a parameter file needs
    /// every stage with an output that it overlaps. The message about a cycle names its stages in order.
    ///
    /// # Errors
    /// If outputs overlap or stages form a cycle.
    pub fn of(stages: &[Stage], file: &Path) -> Result<Self> {
        let outs = outputs(stages).map_err(|fault| fault.within(file))?;
        let needs: Vec<Vec<usize>> = stages.iter().map(|stage| needs(stage, &outs)).collect();
        let graph = Self { needs };
        match graph.cycle() {
            None => Ok(graph),
            Some(cycle) => Err(cycle_fault(stages, &cycle).within(file)),
        }
    }

    /// The direct prerequisites of a stage; none if it is frozen.
    pub fn needs(&self, stage: usize) -> &[usize] {
        &self.needs[stage]
    }

    /// Removes the prerequisites of frozen stages.
    pub fn freeze(&mut self, stages: &[Stage]) {
        for (needs, stage) in self.needs.iter_mut().zip(stages) {
            if stage.frozen {
                needs.clear();
            }
        }
    }

    /// The stages that depend directly on `stage`.
    fn users(&self, stage: usize) -> impl Iterator<Item = usize> {
        (0..self.needs.len()).filter(move |&user| self.needs[user].contains(&stage))
    }

    /// The given stages with all their prerequisites, in execution order.
    pub fn upstream(&self, from: &[usize]) -> Vec<usize> {
        let wanted: HashSet<usize> = self.reach(from, |stage| self.needs[stage].clone());
        self.order(&wanted)
    }

    /// The given stages with all their dependents, in execution order.
    pub fn downstream(&self, from: &[usize]) -> Vec<usize> {
        let wanted: HashSet<usize> = self.reach(from, |stage| self.users(stage).collect());
        self.order(&wanted)
    }

    fn reach(&self, from: &[usize], next: impl Fn(usize) -> Vec<usize>) -> HashSet<usize> {
        let mut found = HashSet::new();
        let mut open = from.to_vec();
        while let Some(stage) = open.pop() {
            if found.insert(stage) {
                open.extend(next(stage));
            }
        }
        found
    }

    /// Orders some of the stages depth first, prerequisites first.
    fn order(&self, wanted: &HashSet<usize>) -> Vec<usize> {
        let mut done = vec![false; self.needs.len()];
        let mut order = Vec::with_capacity(wanted.len());
        for start in 0..self.needs.len() {
            if !wanted.contains(&start) || done[start] {
                continue;
            }
            done[start] = true;
            let mut path = vec![(start, 0)];
            while let Some((stage, next)) = path.last_mut() {
                match self.needs[*stage].get(*next) {
                    Some(&need) => {
                        *next += 1;
                        if wanted.contains(&need) && !done[need] {
                            done[need] = true;
                            path.push((need, 0));
                        }
                    }
                    None => {
                        order.push(*stage);
                        path.pop();
                    }
                }
            }
        }
        order
    }

    /// Finds a cycle, if there is one, and returns its stages in order.
    fn cycle(&self) -> Option<Vec<usize>> {
        let mut state = vec![0u8; self.needs.len()]; // 1: on the path, 2: done
        for start in 0..self.needs.len() {
            let mut path = vec![(start, 0)];
            if state[start] != 0 {
                continue;
            }
            state[start] = 1;
            while let Some((stage, next)) = path.last_mut() {
                let stage = *stage;
                match self.needs[stage].get(*next).copied() {
                    Some(need) => {
                        *next += 1;
                        if state[need] == 1 {
                            let from = path.iter().position(|(on, _)| *on == need)?;
                            return Some(path[from..].iter().map(|(on, _)| *on).collect());
                        }
                        if state[need] == 0 {
                            state[need] = 1;
                            path.push((need, 0));
                        }
                    }
                    None => {
                        state[stage] = 2;
                        path.pop();
                    }
                }
            }
        }
        None
    }
}

fn cycle_fault(stages: &[Stage], cycle: &[usize]) -> Fault {
    let mut names: Vec<&str> = cycle.iter().map(|&i| stages[i].name.as_str()).collect();
    names.push(names[0]);
    Fault {
        at: stages[cycle[0]].at,
        reason: format!(
            "the stages depend on each other in a cycle: {}",
            names.join(" -> ")
        ),
    }
}

/// Outputs by path: which stage writes it.
type Outputs<'a> = BTreeMap<&'a Path, (usize, &'a Out)>;

fn outputs(stages: &[Stage]) -> Result<Outputs<'_>, Fault> {
    let mut found: Outputs = BTreeMap::new();
    let mut parents: HashMap<&Path, (usize, &Out)> = HashMap::new();
    let clash = |stage: usize, out: &Out, other: (usize, &Out), how: &str| Fault {
        at: out.at,
        reason: format!(
            "stage `{}`: the output {} {how} {} of stage `{}` (line {})",
            stages[stage].name, out.name, other.1.name, stages[other.0].name, other.1.at.line
        ),
    };
    for (i, stage) in stages.iter().enumerate() {
        for out in &stage.outs {
            if let Some(&other) = found.get(out.path.as_path()) {
                return Err(clash(i, out, other, "is also the output"));
            }
            if let Some(&other) = parents.get(out.path.as_path()) {
                return Err(clash(i, out, other, "contains the output"));
            }
            let above = out.path.ancestors().skip(1);
            if let Some(&other) = above.clone().find_map(|path| found.get(path)) {
                return Err(clash(i, out, other, "is inside the output"));
            }
            for path in above {
                parents.entry(path).or_insert((i, out));
            }
            found.insert(&out.path, (i, out));
        }
    }
    Ok(found)
}

fn needs(stage: &Stage, outs: &Outputs) -> Vec<usize> {
    let mut needs = Vec::new();
    let deps = stage.deps.iter().map(|dep| &dep.path);
    let params = stage.params.iter().map(|params| &params.path);
    for path in deps.chain(params) {
        let above = path.ancestors().collect::<Vec<_>>();
        let above = above.into_iter().rev().filter_map(|path| outs.get(path));
        let below = below(outs, path);
        for &(owner, _) in above.chain(below) {
            if !needs.contains(&owner) {
                needs.push(owner);
            }
        }
    }
    needs
}

/// Outputs inside the folder `path`.
fn below<'a>(outs: &'a Outputs, path: &'a PathBuf) -> impl Iterator<Item = &'a (usize, &'a Out)> {
    outs.range(path.as_path()..)
        .skip_while(move |(out, _)| *out == path)
        .take_while(move |(out, _)| out.starts_with(path))
        .map(|(_, owner)| owner)
}
