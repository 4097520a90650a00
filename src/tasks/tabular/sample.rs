//! Sample tables: customers who leave or stay, and houses with their prices.

mod calendar;
pub mod customers;
pub mod houses;
mod levels;
mod notes;

use std::io::{self, Write};

pub use self::customers::Customers;
pub use self::houses::Houses;
use crate::pipeline::sample::Sample;
use crate::tasks::tabular::Tabular;
use crate::tasks::tabular::params::Params;

impl Sample for Tabular {
    const FILES: &'static [&'static str] = &["customers.csv", "incoming.csv", "houses.csv"];

    fn write(params: &Params, seed: u64, name: &str, out: &mut dyn Write) -> io::Result<()> {
        let sample = &params.sample;
        let customers = Customers {
            rows: sample.rows as u64,
            seed,
            leak: sample.leak,
        };
        match name {
            "incoming.csv" => customers.write_incoming(sample.incoming as u64, out),
            "houses.csv" => Houses {
                rows: sample.houses as u64,
                seed,
            }
            .write(out),
            _ => customers.write(out),
        }
    }
}
