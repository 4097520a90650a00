//! What the protocol says about a model: metadata, and `config` and `stats` as tritonclient asks for
//! them.

use serde_json::{Value, json};

use crate::model::{Metadata, TensorSpec};
use crate::models::Counts;
use crate::tensor::Datatype;

/// The body of `GET /v2/models/NAME`.
pub(crate) fn metadata(name: &str, version: &str, metadata: &Metadata) -> Value {
    let tensor = |spec: &TensorSpec| json!({"name": spec.name, "datatype": spec.datatype.name(), "shape": spec.shape});
    json!({
        "name": name,
        "versions": [version],
        "platform": metadata.platform,
        "inputs": metadata.inputs.iter().map(tensor).collect::<Vec<_>>(),
        "outputs": metadata.outputs.iter().map(tensor).collect::<Vec<_>>(),
    })
}

/// The body of `GET /v2/models/NAME/config`.
pub(crate) fn config(name: &str, metadata: &Metadata) -> Value {
    let input = |spec: &TensorSpec| {
        json!({
            "name": spec.name,
            "data_type": config_type(spec.datatype),
            "dims": spec.shape,
            "optional": spec.optional,
        })
    };
    let output = |spec: &TensorSpec| {
        json!({
            "name": spec.name,
            "data_type": config_type(spec.datatype),
            "dims": spec.shape,
        })
    };
    json!({
        "name": name,
        "platform": metadata.platform,
        "backend": "easylife",
        // Zero is Triton's word for: the first dimension is part of the shape.
        "max_batch_size": 0,
        "input": metadata.inputs.iter().map(input).collect::<Vec<_>>(),
        "output": metadata.outputs.iter().map(output).collect::<Vec<_>>(),
    })
}

fn config_type(datatype: Datatype) -> String {
    match datatype {
        Datatype::Bytes => "TYPE_STRING".to_owned(),
        other => format!("TYPE_{}", other.name()),
    }
}

/// One model of `GET /v2/models/stats`.
pub(crate) fn stats(name: &str, version: &str, counts: &Counts) -> Value {
    json!({
        "name": name,
        "version": version,
        "last_inference": counts.last_millis(),
        "inference_count": counts.rows(),
        "execution_count": counts.answered(),
        "inference_stats": {
            "success": {"count": counts.answered(), "ns": counts.answered_micros() * 1000},
            "fail": {"count": counts.failed(), "ns": counts.failed_micros() * 1000},
        },
        "batch_stats": [],
    })
}
