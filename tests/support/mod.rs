//! The binary as a user runs it: in a temporary folder, through its command line.
#![allow(dead_code, unused_imports)] // each test file uses its part

mod skip;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub use skip::{dvc, real_data, skip};

/// A temporary folder to run `easylife` in; gone when dropped.
pub struct Workdir {
    folder: tempfile::TempDir,
}

/// The user without rights, by its number on Linux and BSD.
#[cfg(unix)]
const NOBODY: u32 = 65_534;

/// What a run said and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Labelled texts that are easy to tell apart, `rows` of each class.
pub fn easy_texts(rows: usize) -> String {
    let mut text = String::from("text,label\n");
    for i in 0..rows {
        text += &format!("a good and lovely thing number {i},pos\n");
        text += &format!("a bad and awful thing number {i},neg\n");
    }
    text
}

impl Workdir {
    /// An empty folder.
    pub fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A new project made by `easylife init`.
    pub fn project() -> Self {
        let dir = Self::empty();
        dir.ok(&["init"]);
        dir
    }

    /// A project with a small sample, prepared and trained.
    pub fn trained() -> Self {
        let dir = Self::project();
        for verb in ["sample", "prepare", "train"] {
            dir.ok(&[verb, "nlp", "-S", "nlp.sample.rows=600"]);
        }
        dir
    }

    /// A second model of the texts of [`Workdir::trained`]; the first one stays in its place.
    pub fn another_model(&self) -> Vec<u8> {
        let first = self.bytes("models/nlp.safetensors");
        let sets = ["-S", "nlp.sample.rows=600", "-S", "nlp.model.C=3"];
        self.ok(&[&["train", "nlp"][..], &sets].concat());
        let second = self.bytes("models/nlp.safetensors");
        assert!(first != second);
        self.write("models/nlp.safetensors", first);
        second
    }

    /// A project whose source is `content` under the name `name`.
    pub fn with_source(name: &str, content: impl AsRef<[u8]>) -> Self {
        let dir = Self::project();
        dir.write(name, content);
        let params = dir.read("params.yaml");
        let params = params.replace("data/raw/nlp/reviews.csv", name);
        dir.write("params.yaml", params);
        dir
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn exists(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    /// Names in a folder, hidden ones included, sorted.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Every file below a folder with its bytes, sorted by path.
    pub fn tree(&self, folder: &str) -> Vec<(String, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![self.path(folder)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.folder.path()).unwrap();
                    found.push((name.display().to_string(), fs::read(&path).unwrap()));
                }
            }
        }
        found.sort();
        found
    }

    /// The command, to be run in this folder.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_easylife"));
        command.current_dir(self.folder.path()).args(args);
        for name in [
            "EASYLIFE_THREADS",
            "EASYLIFE_PROJECT",
            "EASYLIFE_JSON",
            "NO_COLOR",
        ] {
            command.env_remove(name);
        }
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        ran(self.command(args).stdin(Stdio::null()).output().unwrap())
    }

    /// Runs without root's right to read and write everything.
    #[cfg(unix)]
    pub fn run_unprivileged(&self, args: &[&str]) -> Ran {
        use std::os::unix::fs::{PermissionsExt, chown};
        use std::os::unix::process::CommandExt;
        let folder = self.folder.path();
        // Only root may give a folder away.
        if chown(folder, Some(NOBODY), Some(NOBODY)).is_err() {
            return self.run(args);
        }
        // Nobody cannot look into root's home, where the binary may be.
        let binary = self.path("easylife");
        fs::copy(env!("CARGO_BIN_EXE_easylife"), &binary).unwrap();
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new(binary);
        command.current_dir(folder).args(args);
        command.env("HOME", folder).uid(NOBODY).gid(NOBODY);
        ran(command.stdin(Stdio::null()).output().unwrap())
    }

    /// Runs with `input` on stdin.
    pub fn pipe(&self, args: &[&str], input: impl AsRef<[u8]>) -> Ran {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.as_ref().to_vec();
        let writer = std::thread::spawn(move || {
            use std::io::Write;
            let _ = stdin.write_all(&input); // it may stop reading early
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        ran(output)
    }

    /// Runs, must end with 0; what it said on stdout.
    pub fn ok(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "easylife {args:?}: {ran:?}");
        ran.stdout
    }

    /// Runs, must end with `code` and one error line; that line.
    pub fn fails(&self, code: i32, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, code, "easylife {args:?}: {ran:?}");
        let errors: Vec<&str> = ran
            .stderr
            .lines()
            .filter(|l| l.starts_with("error:"))
            .collect();
        assert_eq!(errors.len(), 1, "easylife {args:?}: {ran:?}");
        errors[0].to_owned()
    }
}

/// Asserts that `run` gives the same, bytes and all, with 1, 2 and 8 threads.
pub fn assert_same_for_any_threads<T: PartialEq>(what: &str, run: impl Fn(&str) -> T) {
    let one = run("1");
    for threads in ["2", "8"] {
        let same = one == run(threads);
        assert!(same, "{what}: {threads} threads change a byte");
    }
}

fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
