//! `.dvcignore`, `.gitignore` and `.dvc/config`.

use super::*;
use crate::config::Link;
use crate::gitignore::GitIgnore;
use crate::ignore::Ignore;

#[test]
fn patterns_hold_below_their_folder_and_the_nearest_wins() {
    let project = Project::of("");
    project.write(".dvcignore", "*.tmp\n/top\nbuild/\n");
    project.write("keep/.dvcignore", "!*.tmp\n# comment\n\n");
    fs::create_dir_all(project.path("sub/build")).unwrap();
    let ignore = Ignore::of(&project.path(""));
    let is_ignored = |name: &str| {
        let path = project.path(name);
        ignore.is_ignored(&path, path.is_dir()).unwrap()
    };
    assert!(is_ignored("a.tmp") && is_ignored("sub/a.tmp"));
    assert!(!is_ignored("keep/a.tmp"));
    assert!(is_ignored("top") && !is_ignored("sub/top"));
    assert!(is_ignored("sub/build") && is_ignored("sub/build/x"));
    assert!(!is_ignored("build"), "a file of that name is no folder");
    assert!(is_ignored(".git") && is_ignored(".dvc/config"));
    // Outside the project nothing is.
    let outside = project.path("").parent().unwrap().join("x.tmp");
    assert!(!ignore.is_ignored(&outside, false).unwrap());
}

#[test]
fn outputs_are_added_to_gitignore_once() {
    let project = Project::with_dvc("");
    fs::create_dir(project.path(".git")).unwrap();
    let git = GitIgnore::find(&project.folder(), false);
    project.write("sub/.gitignore", "/old");
    for _ in 0..2 {
        git.ignore(&project.path("sub/new [1]*")).unwrap();
        git.ignore(&project.path("model")).unwrap();
    }
    assert_eq!(project.read("sub/.gitignore"), "/old\n/new \\[1\\]\\*\n");
    assert_eq!(project.read(".gitignore"), "/model\n");
    // What git ignores already is not listed again.
    project.write(".gitignore", "*.csv\nbuild/\n");
    git.ignore(&project.path("a.csv")).unwrap();
    fs::create_dir(project.path("build")).unwrap();
    git.ignore(&project.path("build/x")).unwrap();
    assert_eq!(project.read(".gitignore"), "*.csv\nbuild/\n");
    assert!(!project.path("build/.gitignore").exists());
    project.write(".git/info/exclude", "private\n");
    git.ignore(&project.path("private")).unwrap();
    assert_eq!(project.read(".gitignore"), "*.csv\nbuild/\n");
}

#[test]
fn without_dvc_git_or_wish_nothing_is_written() {
    let projects = [
        Project::of(""),
        Project::with_dvc(""),
        Project::with_dvc(""),
    ];
    fs::create_dir(projects[0].path(".git")).unwrap();
    fs::create_dir(projects[2].path(".git")).unwrap();
    for (project, no_scm) in projects.iter().zip([false, false, true]) {
        let git = GitIgnore::find(&project.folder(), no_scm);
        git.ignore(&project.path("model")).unwrap();
        assert!(!project.path(".gitignore").exists());
    }
}

#[test]
fn options_of_the_local_file_override_the_projects() {
    let project = Project::with_dvc("");
    let plain = project.config();
    assert_eq!(plain.cache, project.path(".dvc/cache"));
    assert_eq!(plain.links, [Link::Reflink, Link::Copy]);
    assert!(!plain.no_scm && !plain.shared);
    project.write(
        ".dvc/config",
        "# comment\n[core]\n    no_scm = True\n    remote = x\n['remote \"x\"']\n    url = s3://b\n\
         [cache]\n    type = \"hardlink, symlink\"\n    dir = ../../shared\n    shared = group\n",
    );
    project.write(
        ".dvc/config.local",
        "[cache]\ntype = copy\n[parsing]\nlist = append\n",
    );
    let config = project.config();
    assert_eq!(config.links, [Link::Copy]);
    assert_eq!(
        config.cache,
        project.path("").parent().unwrap().join("shared")
    );
    assert!(config.no_scm && config.shared && config.list_append && !config.boolean_optional);
}

#[test]
fn options_without_a_meaning_are_refused() {
    let project = Project::with_dvc("");
    for (option, reason) in [
        (
            "[cache]\ntype = hardlnk\n",
            "unknown type `hardlnk`; expected reflink, hardlink",
        ),
        (
            "[core]\nhardlink_lock = true\n",
            "dvc config --unset core.hardlink_lock",
        ),
    ] {
        project.write(".dvc/config", option);
        let message = Config::read(&project.folder()).unwrap_err().to_string();
        assert!(message.starts_with(".dvc/config: "), "{message}");
        assert!(message.contains(reason), "{message}");
    }
}

/// A comment behind a value used to be read as a part of it.
#[test]
fn comments_end_a_line_of_options() {
    let project = Project::with_dvc("");
    project.write(
        ".dvc/config",
        "[core] # of the project\nno_scm = true # no git\n[cache]\ntype = hardlink, copy  # fast\n\
         dir = \"/a # b\" # quoted\n; shared = group\n#shared = group\n",
    );
    let config = project.config();
    assert!(config.no_scm && !config.shared);
    assert_eq!(config.links, [Link::Hardlink, Link::Copy]);
    assert_eq!(config.cache, std::path::Path::new("/a # b"));
}
