//! Sample reviews, with and without labels.

pub mod reviews;

use std::io::{self, Write};

pub use self::reviews::Reviews;
use crate::pipeline::sample::Sample;
use crate::tasks::nlp::Nlp;
use crate::tasks::nlp::params::Params;

impl Sample for Nlp {
    const FILES: &'static [&'static str] = &["reviews.csv", "incoming.csv"];

    fn write(params: &Params, seed: u64, name: &str, out: &mut dyn Write) -> io::Result<()> {
        let reviews = Reviews {
            rows: params.sample.rows as u64,
            seed,
            ..Reviews::default()
        };
        let mut out = csv::Writer::from_writer(out);
        if name == "incoming.csv" {
            out.write_record(["id", "text"])?;
            for review in reviews.incoming(params.sample.incoming as u64) {
                out.write_record([&review.id.to_string(), &review.text])?;
            }
        } else {
            out.write_record(["id", "text", "label", "domain"])?;
            for review in reviews.iter() {
                let id = review.id.to_string();
                out.write_record([&id, &review.text, review.label, review.domain])?;
            }
        }
        out.flush()
    }
}
