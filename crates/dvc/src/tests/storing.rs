//! Contents, the cache, and the run cache.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use proptest::prelude::*;

use super::*;
use crate::cache::{self, Cache};
use crate::config::Link;
use crate::content::{Content, Reader};
use crate::lockfile::{Record, Recorded};
use crate::md5::Md5;
use crate::runcache;
use crate::stage::Cmd;
use crate::state::State;

fn cache(project: &Project) -> Cache {
    Cache::open(&project.config(), &PROGRAM, project.path("scratch"))
}

/// A cache that hands out one kind of link.
fn cache_of(project: &Project, link: Link) -> Cache {
    let mut config = project.config();
    config.links = vec![link];
    Cache::open(&config, &PROGRAM, project.path("scratch"))
}

fn content(project: &Project, name: &str) -> Content {
    let root = project.path("");
    let mut reader = Reader::new(&root, State::open(&root.join("hashes")));
    reader.content(&root.join(name)).unwrap().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// RFC 1321, appendix A.5.
#[test]
fn digests_are_those_of_the_standard() {
    for (text, digest) in [
        ("", "d41d8cd98f00b204e9800998ecf8427e"),
        ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
    ] {
        assert_eq!(Md5::of(text.as_bytes()).to_string(), digest);
        assert_eq!(Md5::parse(digest), Some(Md5::of(text.as_bytes())));
    }
    let project = Project::of("");
    // Longer than the buffer.
    let bytes: Vec<u8> = (0..600_000_u32).map(|i| (i % 251) as u8).collect();
    let path = project.write("big", &bytes);
    assert_eq!(Md5::of_file(&path).unwrap(), Md5::of(&bytes));
}

#[test]
fn what_is_not_a_digest_is_not_parsed() {
    for text in [
        "",
        "900150983cd24fb0d6963f7d28e17f7",
        "900150983cd24fb0d6963f7d28e17f7g",
    ] {
        assert_eq!(Md5::parse(text), None, "{text}");
    }
    // `u8::from_str_radix` reads a sign.
    assert_eq!(Md5::parse("+0+150983cd24fb0d6963f7d28e17f72"), None);
    assert_eq!(Md5::parse("\u{e9}00150983cd24fb0d6963f7d28e17f7"), None);
}

#[test]
fn a_file_goes_into_the_cache_and_comes_back() {
    let project = Project::with_dvc("");
    let cache = cache(&project);
    let path = project.write("a", "1");
    let is = content(&project, "a");
    assert!(!cache.has(&is.id));
    cache.add(&path, &is).unwrap();
    cache.add(&path, &is).unwrap();
    let object = project.path(".dvc/cache/files/md5/c4/ca4238a0b923820dcc509a6f75849b");
    assert_eq!(cache.object(&is.id), object);
    assert_eq!(mode(&object), 0o444);
    fs::remove_file(&path).unwrap();
    cache
        .restore(&is.id, true, &project.path("sub/b"), false)
        .unwrap();
    assert_eq!(project.read("sub/b"), "1");
    assert_eq!(mode(&project.path("sub/b")) & 0o100, 0o100, "executable");
}

#[test]
fn a_folder_replaces_what_is_there() {
    let project = Project::with_dvc("");
    let cache = cache(&project);
    project.write("d/x", "1");
    project.write("d/sub/y", "2");
    let is = content(&project, "d");
    cache.add(&project.path("d"), &is).unwrap();
    assert!(is.id.ends_with(".dir") && cache.has(&is.id));
    project.write("d/more", "3");
    fs::remove_file(project.path("d/x")).unwrap();
    cache
        .restore(&is.id, false, &project.path("d"), false)
        .unwrap();
    assert_eq!(content(&project, "d"), is);
    // A file becomes a folder, and a folder a file.
    project.write("other", "file");
    cache
        .restore(&is.id, false, &project.path("other"), false)
        .unwrap();
    assert_eq!(project.read("other/sub/y"), "2");
    let one = Md5::of(b"1").to_string();
    cache
        .restore(&one, false, &project.path("other"), false)
        .unwrap();
    assert_eq!(project.read("other"), "1");
    assert_eq!(fs::read_dir(project.path("scratch")).unwrap().count(), 0);
}

#[test]
fn a_folder_without_one_of_its_files_is_not_in_the_cache() {
    let project = Project::with_dvc("");
    let cache = cache(&project);
    project.write("d/x", "1");
    let is = content(&project, "d");
    cache.add(&project.path("d"), &is).unwrap();
    fs::remove_file(cache.object(&Md5::of(b"1").to_string())).unwrap();
    assert!(!cache.has(&is.id));
}

#[test]
fn a_writable_object_is_checked_and_a_wrong_one_removed() {
    let project = Project::with_dvc("");
    let cache = cache(&project);
    let path = project.write("a", "1");
    let is = content(&project, "a");
    cache.add(&path, &is).unwrap();
    let object = cache.object(&is.id);
    let writable = || fs::set_permissions(&object, fs::Permissions::from_mode(0o644)).unwrap();
    writable();
    assert!(cache.has(&is.id));
    assert_eq!(mode(&object), 0o444, "protected again");
    writable();
    fs::write(&object, "2").unwrap();
    assert!(!cache.has(&is.id));
    assert!(!object.exists());
}

/// A damaged or hostile list must not write outside the output.
#[test]
fn lists_that_lead_outside_are_refused() {
    let project = Project::with_dvc("");
    let cache = cache(&project);
    let md5 = Md5::of(b"1").to_string();
    for name in ["../x", "/x", "a/../../x", "", "."] {
        let id = format!("{}.dir", Md5::of(name.as_bytes()));
        let object = cache.object(&id);
        fs::create_dir_all(object.parent().unwrap()).unwrap();
        fs::write(
            &object,
            format!(r#"[{{"md5": "{md5}", "relpath": "{name}"}}]"#),
        )
        .unwrap();
        let error = cache.files(&id).unwrap_err().to_string();
        assert!(error.ends_with("not a list of files"), "{name}: {error}");
        assert!(!cache.has(&id));
    }
}

#[test]
fn what_the_cache_does_not_have_is_named() {
    let project = Project::with_dvc("");
    let missing = format!("{}.dir", Md5::of(b"x"));
    let error = cache(&project)
        .restore(&missing, false, &project.path("out"), false)
        .unwrap_err();
    let chain = format!("{error:?}");
    assert!(
        chain.contains("cannot restore") && chain.contains("is not in the cache"),
        "{chain}"
    );
    assert!(!project.path("out").exists());
}

#[test]
fn links_are_handed_out_as_configured() {
    for link in [Link::Hardlink, Link::Symlink, Link::Copy] {
        let project = Project::with_dvc("");
        let cache = cache_of(&project, link);
        let path = project.write("a", "1");
        let is = content(&project, "a");
        cache.add(&path, &is).unwrap();
        cache.relink(&path, &is).unwrap();
        let (meta, object) = (path.symlink_metadata().unwrap(), cache.object(&is.id));
        let same = fs::metadata(&path).unwrap().ino() == fs::metadata(&object).unwrap().ino();
        assert_eq!(meta.is_symlink(), link == Link::Symlink);
        assert_eq!(same, link != Link::Copy, "{link:?}");
        // An output that persists becomes a file of its own, which may be written.
        cache::unprotect(&path, cache.temporary()).unwrap();
        fs::write(&path, "changed").unwrap();
        assert_eq!(fs::read_to_string(&object).unwrap(), "1", "{link:?}");
        assert!(!path.symlink_metadata().unwrap().is_symlink());
    }
}

#[test]
fn removing_takes_anything_and_nothing() {
    let project = Project::of("");
    project.write("d/x/y", "1");
    project.write("f", "1");
    std::os::unix::fs::symlink(project.path("d"), project.path("link")).unwrap();
    for name in ["link", "f", "missing", "f/below", "d"] {
        cache::remove(&project.path(name)).unwrap();
        assert!(project.path(name).symlink_metadata().is_err(), "{name}");
        assert_eq!(project.path("d/x/y").exists(), name != "d", "{name}");
    }
}

#[test]
fn contents_that_dvc_cannot_describe_are_refused() {
    let project = Project::of("");
    let root = project.path("");
    let refusal = |name: &str| {
        let mut reader = Reader::new(&root, State::open(&root.join("hashes")));
        format!("{:?}", reader.content(&root.join(name)).unwrap_err())
    };
    std::os::unix::fs::symlink("nowhere", project.path("broken")).unwrap();
    assert!(refusal("broken").contains("a broken symbolic link"));
    project.write("d/.dvcignore", "x");
    assert!(refusal("d").contains("not allowed in a folder that a stage reads or writes"));
}

fn recorded(cmd: &str, dep: &str, out: &str, size: u64) -> Recorded {
    let record = |path: &str, text: &str| Record {
        path: path.to_owned(),
        md5: Some(Md5::of(text.as_bytes()).to_string()),
        size: Some(size),
        nfiles: None,
        exec: false,
    };
    Recorded {
        cmd: Cmd::One(cmd.to_owned()),
        deps: vec![record("in", dep)],
        params: Vec::new(),
        outs: vec![record("out", out)],
    }
}

#[test]
fn a_run_is_found_by_its_command_and_inputs() {
    let project = Project::with_dvc("");
    let cache = cache(&project);
    let run = recorded("x", "input", "output", 3);
    assert!(runcache::find(&cache, &run).is_none());
    runcache::keep(&cache, &run).unwrap();
    runcache::keep(&cache, &run).unwrap();
    // What the outputs were does not matter to the question, nor do sizes.
    let asked = recorded("x", "input", "", 9);
    let found = runcache::find(&cache, &asked).unwrap();
    assert_eq!(found.node(), run.node());
    assert!(runcache::find(&cache, &recorded("y", "input", "", 3)).is_none());
    assert!(runcache::find(&cache, &recorded("x", "other", "", 3)).is_none());
    let mut renamed = asked;
    renamed.outs[0].path = "elsewhere".to_owned();
    assert!(runcache::find(&cache, &renamed).is_none());
}

#[test]
fn only_stages_known_by_content_are_kept() {
    let found = stages(
        "stages:
  whole: {cmd: x, deps: [i], outs: [o1]}
  noinput: {cmd: x, outs: [o2]}
  nooutput: {cmd: x, deps: [i]}
  always: {cmd: x, deps: [i], outs: [o3], always_changed: true}
  persists: {cmd: x, deps: [i], outs: [o4: {persist: true}]}
",
    );
    let kept: Vec<bool> = found.iter().map(runcache::can_keep).collect();
    assert_eq!(kept, [true, false, false, false, false]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// Any tree of files comes back byte for byte.
    #[test]
    fn every_folder_comes_back(
        files in prop::collection::btree_map(
            "[a-c]{1,2}(/[d-fä' ]{1,3}){0,2}\\.x",
            prop::collection::vec(any::<u8>(), 0..40),
            1..12,
        ),
    ) {
        let project = Project::with_dvc("");
        let cache = cache(&project);
        for (name, bytes) in &files {
            project.write(&format!("d/{name}"), bytes);
        }
        let is = content(&project, "d");
        prop_assert_eq!(is.files.as_ref().unwrap().len(), files.len());
        prop_assert_eq!(is.size, files.values().map(|bytes| bytes.len() as u64).sum::<u64>());
        cache.add(&project.path("d"), &is).unwrap();
        cache.restore(&is.id, false, &project.path("again"), true).unwrap();
        for (name, bytes) in &files {
            prop_assert_eq!(&fs::read(project.path(&format!("again/{name}"))).unwrap(), bytes);
        }
        prop_assert_eq!(content(&project, "again"), is);
    }
}
