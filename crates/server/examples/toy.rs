//! Serves a toy model that counts the words of a text, with an access log: for measuring what the server
//! itself costs, and for trying clients of the protocol.
//!
//! usage: toy [ADDRESS] [LOG] [MICROS]
//!
//! By default 127.0.0.1:8080, /dev/null, and no work beyond counting; otherwise each text keeps a CPU busy
//! for so many microseconds.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use easylife_server::access::AccessLog;
use easylife_server::{
    Access, Data, Datatype, Fault, InferRequest, InferResponse, Metadata, Model, Models, Options,
    Server, Tensor, TensorSpec,
};

/// With the turns of [`burn`] that each text costs.
struct Words(Metadata, u64);

/// Keeps a CPU busy. Turns, not time: what is preempted has not worked.
fn burn(turns: u64) {
    for turn in 0..turns {
        std::hint::black_box(turn);
    }
}

/// How many turns a microsecond has.
fn turns_per_micro() -> u64 {
    let (start, turns) = (Instant::now(), 20_000_000);
    burn(turns);
    turns / (start.elapsed().as_micros() as u64).max(1)
}

impl Model for Words {
    fn version(&self) -> &str {
        "1"
    }

    fn metadata(&self) -> &Metadata {
        &self.0
    }

    fn infer(&self, request: &InferRequest) -> Result<InferResponse, Fault> {
        let texts = request.input("text").and_then(Tensor::strings);
        let texts = texts.ok_or_else(|| Fault::missing("input `text` is missing"))?;
        let count = |text: &[u8]| text.split(u8::is_ascii_whitespace).count() as f64;
        burn(self.1 * texts.len() as u64);
        let counts: Vec<f64> = texts.iter().map(count).collect();
        let words = counts
            .iter()
            .map(|count| if *count > 10.0 { "long" } else { "short" });
        Ok(InferResponse {
            outputs: vec![
                Tensor::column("prediction", Data::Bytes(words.collect())),
                Tensor::column(
                    "probability",
                    Data::Fp64(counts.iter().map(|n| 1.0 / n).collect()),
                ),
            ],
        })
    }
}

fn log(path: &str) -> std::io::Result<AccessLog> {
    let file = Mutex::new(BufWriter::with_capacity(64 << 10, File::create(path)?));
    Ok(Box::new(move |access: &Access<'_>| {
        let Ok(mut file) = file.lock() else { return };
        let _ = writeln!(
            file,
            r#"{{"id":"{}","method":"{}","route":"{}","status":{},"rows":{},"model":"{}","version":"{}","micros":{},"in":{},"out":{}}}"#,
            access.request_id,
            access.method,
            access.route,
            access.status,
            access.rows,
            access.model,
            access.version,
            access.micros,
            access.bytes_in,
            access.bytes_out
        );
    }))
}

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments
        .next()
        .unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let address = address.parse().map_err(std::io::Error::other)?;
    let path = arguments.next().unwrap_or_else(|| "/dev/null".to_owned());
    let micros = arguments.next().map_or(Ok(0), |micros| micros.parse());
    let work = turns_per_micro() * micros.map_err(std::io::Error::other)?;
    let mut models = Models::new();
    let metadata = || Metadata {
        platform: "toy_words".into(),
        inputs: vec![TensorSpec::column("text", Datatype::Bytes)],
        outputs: vec![
            TensorSpec::column("prediction", Datatype::Bytes),
            TensorSpec::column("probability", Datatype::Fp64),
        ],
    };
    models.add(
        "toy",
        Box::new(move || Ok(Box::new(Words(metadata(), work)))),
    );
    models.load_all();
    let options = Options {
        listen: vec![std::net::SocketAddr::into(address)],
        access: Some(log(&path)?),
        ..Options::default()
    };
    Server::bind(options, Arc::new(models))?.run_on(2)
}
