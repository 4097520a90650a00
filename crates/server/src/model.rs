//! What the server asks of a model: its signature, the cost of a request, the answer.

use crate::fault::Fault;
use crate::tensor::{Datatype, Tensor};

/// A loaded model. It is immutable and shared between threads.
///
/// `infer` is called on any thread; buffers that are kept between calls belong into a `thread_local!`
/// of the implementation. A panic is caught: its request gets a 500, and the model keeps serving.
pub trait Model: Send + Sync {
    /// The version: a digest of the model's file, for example. It is part of URLs.
    fn version(&self) -> &str;

    /// Inputs and outputs.
    fn metadata(&self) -> &Metadata;

    /// Names of the classes in the model's order; empty if it has none.
    fn classes(&self) -> &[String] {
        &[]
    }

    /// Ids of the records that the model knows and that a request may name, series for example; empty if it has
    /// none.
    fn records(&self) -> &[String] {
        &[]
    }

    /// The cost of a request in rows, by which requests are admitted. By default the largest first
    /// dimension of its inputs.
    fn rows(&self, request: &InferRequest) -> usize {
        request.rows()
    }

    /// What decides which arm answers a request, where the client does not say: the user, for example, so that the same
    /// one always meets the same arm. `None`: the request is about nobody in particular, or about several.
    fn key<'r>(&self, _request: &'r InferRequest) -> Option<&'r [u8]> {
        None
    }

    /// Whether even one row takes long (decoding a photo): such requests never run on an I/O thread.
    fn is_heavy(&self) -> bool {
        false
    }

    /// Answers a request, whose inputs fit [`Model::metadata`] by name, type and shape.
    ///
    /// # Errors
    /// A request that cannot be answered.
    fn infer(&self, request: &InferRequest) -> Result<InferResponse, Fault>;
}

/// The signature of a model.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// What runs the model, in the form `project_format`.
    pub platform: String,
    /// The inputs.
    pub inputs: Vec<TensorSpec>,
    /// The outputs.
    pub outputs: Vec<TensorSpec>,
}

/// Name, type and shape of an input or output.
#[derive(Clone, Debug)]
pub struct TensorSpec {
    /// The name.
    pub name: String,
    /// The type of the values.
    pub datatype: Datatype,
    /// The extent of each dimension; -1 stands for any.
    pub shape: Vec<i64>,
    /// Whether a request may leave it out.
    pub optional: bool,
    /// Whether a value may be missing: NaN, or an empty text.
    pub nullable: bool,
    /// Words for a missing value among numbers in a table, besides an empty cell and the usual ones.
    pub missing: Vec<String>,
}

impl TensorSpec {
    /// A required column of any number of rows.
    pub fn column(name: impl Into<String>, datatype: Datatype) -> Self {
        Self {
            name: name.into(),
            datatype,
            shape: vec![-1],
            optional: false,
            nullable: false,
            missing: Vec::new(),
        }
    }

    /// Whether a tensor of this shape fits. A last dimension of one may be added: many clients send a
    /// column as a matrix.
    pub fn fits(&self, shape: &[usize]) -> bool {
        let shape = match shape {
            [rest @ .., 1] if rest.len() == self.shape.len() => rest,
            all => all,
        };
        shape.len() == self.shape.len()
            && self
                .shape
                .iter()
                .zip(shape)
                .all(|(&want, &got)| want < 0 || want as u64 == got as u64)
    }
}

/// A request to a model.
#[derive(Clone, Debug, Default)]
pub struct InferRequest {
    /// The client's own id, which the answer repeats.
    pub id: Option<String>,
    /// Parameters of the request that are not the protocol's own.
    pub parameters: serde_json::Map<String, serde_json::Value>,
    /// The inputs.
    pub inputs: Vec<Tensor>,
    /// Names of the outputs that are wanted; empty: those that the model gives by itself.
    pub outputs: Vec<String>,
}

impl InferRequest {
    /// Whether an output is asked for by name. Those that cost much are given only then.
    pub fn wants(&self, output: &str) -> bool {
        self.outputs.iter().any(|name| name == output)
    }

    /// The input of this name.
    pub fn input(&self, name: &str) -> Option<&Tensor> {
        self.inputs.iter().find(|input| input.name == name)
    }

    /// The largest first dimension of the inputs.
    pub fn rows(&self) -> usize {
        let first = |input: &Tensor| input.shape.first().copied();
        self.inputs.iter().filter_map(first).max().unwrap_or(0)
    }
}

/// The answer of a model.
#[derive(Clone, Debug, Default)]
pub struct InferResponse {
    /// The outputs.
    pub outputs: Vec<Tensor>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_may_come_as_a_matrix_of_one_column() {
        let spec = TensorSpec::column("text", Datatype::Bytes);
        assert!(spec.fits(&[3]));
        assert!(spec.fits(&[3, 1]));
        assert!(!spec.fits(&[3, 2]));
        assert!(!spec.fits(&[]));
        assert!(!spec.fits(&[1, 1, 1]));
    }
}
