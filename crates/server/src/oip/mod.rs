//! The bodies of the Open Inference Protocol, version 2: requests in, responses out, in JSON and with
//! the binary extension (Triton's, which tritonclient sends by default). No HTTP here.

pub mod binary;
mod describe;
mod read;
mod values;
mod write;

pub(crate) use describe::{config, metadata, stats};
pub use read::{ParsedRequest, RequestedOutput, read};
pub use write::{EncodedResponse, write};
