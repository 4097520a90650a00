//! `easylife inspect`: what a model file holds, without using it.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use artifact::{Header, TensorInfo};

/// Names shown to a person; `--json` has them all.
const NAMES_SHOWN: usize = 12;

/// A model file's header and tensors.
#[derive(Serialize)]
pub struct Inspected {
    path: PathBuf,
    bytes: u64,
    #[serde(flatten)]
    header: Header,
    tensors: Vec<TensorInfo>,
}

/// Reads and checks a model file of any task.
pub fn run(path: &Path) -> Result<Inspected> {
    let (header, _) = artifact::load(path, None)?;
    let (_, tensors) = artifact::header(path)?;
    Ok(Inspected {
        bytes: std::fs::metadata(path)?.len(),
        path: path.to_owned(),
        header,
        tensors,
    })
}

impl fmt::Display for Inspected {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let header = &self.header;
        writeln!(f, "{}: {} bytes", self.path.display(), self.bytes)?;
        writeln!(f, "task        {}", header.task)?;
        writeln!(f, "written by  easylife {}", header.version)?;
        writeln!(
            f,
            "trained on  {} rows, sha256 {}",
            header.data.rows, header.data.sha256
        )?;
        let shown = &header.names[..header.names.len().min(NAMES_SHOWN)];
        write!(f, "names       {}", shown.join(", "))?;
        match header.names.len() - shown.len() {
            0 => writeln!(f)?,
            more => writeln!(f, " and {more} more")?,
        }
        writeln!(f, "parameters  {}", header.parameters)?;
        for tensor in &self.tensors {
            writeln!(
                f,
                "tensor      {} {} {:?}, {} bytes",
                tensor.name, tensor.dtype, tensor.shape, tensor.bytes
            )?;
        }
        Ok(())
    }
}
