//! The readers of requests and of request logs, on any bytes.

use server::arms::difference::{self, RowDifference};
use server::record::{self, Line, Record};
use server::{Datatype, InferResponse, Metadata, TensorSpec, oip};

/// Any bytes as the body of a request of the Open Inference Protocol (the first byte says how many of the rest are JSON;
/// 255: all), and as a line of a request log. Tensors have as many values as their shape says, and written as a line
/// of the log they read back the same.
pub fn request(bytes: &[u8]) {
    let _ = record::read(bytes);
    let Some((first, body)) = bytes.split_first() else {
        return;
    };
    let spec = |datatype: Datatype| TensorSpec {
        optional: true,
        ..TensorSpec::column(datatype.name(), datatype)
    };
    let metadata = Metadata {
        platform: "fuzzed".to_owned(),
        inputs: Datatype::ALL.map(spec).to_vec(),
        outputs: Datatype::ALL.map(spec).to_vec(),
    };
    let length = (*first != u8::MAX).then_some(usize::from(*first));
    let Ok(asked) = oip::read(body, length, &metadata) else {
        return;
    };
    for tensor in &asked.request.inputs {
        assert_eq!(tensor.data.len(), tensor.shape.iter().product::<usize>());
    }
    let response = InferResponse {
        outputs: asked.request.inputs.clone(),
    };
    let mut line = Vec::new();
    let record = Record {
        id: "id",
        model: "model",
        version: "version",
        request: &asked.request,
        response: &response,
    };
    record.write(std::time::UNIX_EPOCH, true, &mut line);
    let Ok(Line::Request(back)) = record::read(&line) else {
        panic!("{}", String::from_utf8_lossy(&line));
    };
    let rows = difference::rows(&response, &back.response);
    let same = RowDifference::None;
    assert!(rows.iter().all(|row| *row == same), "{rows:?}");
    assert_eq!(
        back.request.map(|back| back.inputs.len()),
        Some(response.outputs.len())
    );
}
