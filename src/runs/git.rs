//! The commit that a project is at.

use std::path::Path;
use std::process::{Command, Stdio};

use registry::lineage::Git;

/// The commit of the working tree of a folder, before anything is written; `None` outside of git, without a commit,
/// or if git cannot say.
pub fn at(folder: &Path) -> Option<Git> {
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let said = Command::new("git")
        .arg("-C")
        .arg(folder)
        // Without them, git may rewrite its index, for which a commit at the same time would have to wait.
        .arg("--no-optional-locks")
        .args([
            "status",
            "--porcelain=v2",
            "--branch",
            "--untracked-files=no",
        ])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    match said.status.success() {
        true => read(&String::from_utf8_lossy(&said.stdout)),
        false => None,
    }
}

/// Reads what `git status` says: headers, and a line for each file that differs from the commit.
fn read(status: &str) -> Option<Git> {
    let header = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    let commit = header("# branch.oid ").filter(|oid| *oid != "(initial)")?;
    let branch = header("# branch.head ").filter(|head| *head != "(detached)");
    Some(Git {
        commit: commit.to_owned(),
        clean: status.lines().all(|line| line.starts_with('#')),
        branch: branch.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_has_commit_branch_and_changes() {
        let clean = "# branch.oid 0123abcd\n# branch.head main\n# branch.ab +0 -0\n";
        let git = read(clean).unwrap();
        assert_eq!((git.commit.as_str(), git.clean), ("0123abcd", true));
        assert_eq!(git.branch.as_deref(), Some("main"));
        let changed = format!("{clean}1 .M N... 100644 100644 100644 a b params.yaml\n");
        assert!(!read(&changed).unwrap().clean);
        assert_eq!(read("# branch.oid (initial)\n# branch.head main\n"), None);
        let detached = read("# branch.oid 01\n# branch.head (detached)\n").unwrap();
        assert_eq!(detached.branch, None);
    }
}
