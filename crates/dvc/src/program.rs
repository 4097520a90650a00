//! What the program that uses the engine has to say about itself, and what it listens to.

/// The program around the engine. The engine has no name, no environment variables and no file formats
/// of its own: it takes them from here.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Name of the program's command: stages find the running binary under it, first on their PATH.
    /// Private files carry it too: `.dvc/tmp/NAME`, or `.NAME` where there is no `.dvc`, and `.NAME-*`
    /// while a file is being written.
    pub name: &'static str,
    /// Verbs of the program that replace their outputs as a whole, by a rename. A stage that only runs
    /// such verbs keeps its old outputs until then.
    pub replacing_verbs: &'static [&'static str],
    /// Environment variable that names a run in all that it starts.
    pub run_variable: &'static str,
    /// Environment variable that tells a stage's command how many threads to use.
    pub threads_variable: &'static str,
    /// Environment variables meant for this process only, which commands do not inherit.
    pub private_variables: &'static [&'static str],
    /// What finds the first difference between two files, by the ending of their names. The engine
    /// itself knows JSON, CSV, TSV and text.
    pub differences: &'static [(&'static str, Difference)],
}

/// Describes the first difference between the recorded and the new bytes of a file; `None` where they
/// are not of the format.
pub type Difference = fn(was: &[u8], is: &[u8]) -> Option<String>;

impl Program {
    /// How the names of temporary files start.
    pub(crate) fn temporary(&self) -> String {
        format!(".{}-", self.name)
    }
}

/// Listens to what a run has to say while it goes on.
pub trait Observer {
    /// What is worth knowing.
    fn note(&self, message: &str);
    /// A detail, for those who ask for more.
    fn detail(&self, message: &str);
    /// What a person should look at.
    fn warn(&self, message: &str);
    /// Output of the commands that stages run, as it comes.
    fn output(&self, bytes: &[u8]);
    /// The commands of a stage start.
    fn started(&self, _stage: &str) {}
    /// The commands of a stage have ended.
    fn ended(&self, _stage: &str) {}
}
