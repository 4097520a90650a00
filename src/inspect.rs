//! `easylife inspect`: what a model file holds, without using it.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use artifact::{Description, Field, Header, TensorInfo};

/// Classes shown to a person; `--json` has them all.
const CLASSES_SHOWN: usize = 12;

/// A model file's header and tensors.
#[derive(Serialize)]
pub struct Inspected {
    path: PathBuf,
    bytes: u64,
    #[serde(flatten)]
    header: Header<serde_json::Value>,
    tensors: Vec<TensorInfo>,
}

/// Reads and checks a model file of any task.
pub fn run(path: &Path) -> Result<Inspected> {
    let Description { header, tensors } = artifact::describe(path)?;
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
        let provenance = &header.provenance;
        writeln!(f, "written by  easylife {}", provenance.version)?;
        writeln!(
            f,
            "trained on  {} rows, sha256 {}, seed {}",
            provenance.training.rows, provenance.training.sha256, provenance.seed
        )?;
        let signature = &header.signature;
        writeln!(f, "inputs      {}", fields(&signature.inputs))?;
        writeln!(f, "outputs     {}", fields(&signature.outputs))?;
        if !signature.classes.is_empty() {
            let shown = &signature.classes[..signature.classes.len().min(CLASSES_SHOWN)];
            write!(f, "classes     {}", shown.join(", "))?;
            match signature.classes.len() - shown.len() {
                0 => writeln!(f)?,
                more => writeln!(f, " and {more} more")?,
            }
        }
        writeln!(f, "details     {}", header.details)?;
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

/// Columns with their types, `?` behind those that may be absent.
fn fields(fields: &[Field]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|field| {
            let mark = if field.optional { "?" } else { "" };
            format!("{}{mark} ({})", field.name, field.data_type)
        })
        .collect();
    fields.join(", ")
}
