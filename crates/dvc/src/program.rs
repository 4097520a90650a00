//! What the calling program tells the engine about itself, and the events it receives.

/// The program around the engine. The engine has no name, environment variables or file formats of
/// its own; it takes them from here.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Name of the program's command; stages find the running binary under it, first on their PATH.
    /// Private files use it too: `.dvc/tmp/NAME`, or `.NAME` without a `.dvc`, and `.NAME-*` while
    /// a file is being written.
    pub name: &'static str,
    /// Verbs of the program that replace their outputs atomically, by a rename. A stage that only
    /// runs such verbs keeps its old outputs until then.
    pub replacing_verbs: &'static [&'static str],
    /// Environment variable that identifies the run in all processes it starts.
    pub run_variable: &'static str,
    /// Environment variable with the number of threads a stage's command may use.
    pub threads_variable: &'static str,
    /// Environment variables for this process only, which commands do not inherit.
    pub private_variables: &'static [&'static str],
    /// Environment variables, with their values, of the commands of a verification.
    pub verification_variables: &'static [(&'static str, &'static str)],
    /// Functions that find the first difference between two files, by extension. The engine itself
    /// supports JSON, CSV, TSV and text.
    pub differences: &'static [(&'static str, Difference)],
}

/// Describes the first difference between the recorded and the new bytes of a file; `None` if they
/// do not have the expected format.
pub type Difference = fn(was: &[u8], is: &[u8]) -> Option<String>;

impl Program {
    /// Prefix of the names of temporary files.
    pub(crate) fn temporary(&self) -> String {
        format!(".{}-", self.name)
    }
}

/// Receives the events of a run.
pub trait Observer {
    /// Normal progress.
    fn note(&self, message: &str);
    /// A detail, shown on request.
    fn detail(&self, message: &str);
    /// Something that needs the user's attention.
    fn warn(&self, message: &str);
    /// Output of the commands of stages, as it is written.
    fn output(&self, bytes: &[u8]);
    /// The commands of a stage start.
    fn started(&self, _stage: &str) {}
    /// The commands of a stage have ended.
    fn ended(&self, _stage: &str) {}
}
