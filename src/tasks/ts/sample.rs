//! Sample demand: two years of daily sales of some items.

mod demand;

use std::io::{self, Write};

use self::demand::Demand;
use crate::pipeline::sample::Sample;
use crate::tasks::ts::Ts;
use crate::tasks::ts::params::Params;

/// The known values, and later ones.
const KNOWN: &str = "demand.csv";
const LATER: &str = "incoming.csv";
/// Number of later days.
const DAYS: usize = 14;

impl Sample for Ts {
    const FILES: &'static [&'static str] = &[KNOWN, LATER];

    fn write(params: &Params, seed: u64, name: &str, out: &mut dyn Write) -> io::Result<()> {
        let days = params.sample.days;
        let range = if name == LATER {
            days..days + DAYS
        } else {
            0..days
        };
        let mut table = csv::Writer::from_writer(out);
        table.write_record(["unique_id", "ds", "y"])?;
        for item in 0..params.sample.series {
            let demand = Demand::new(seed, item as u64, days + DAYS);
            for day in range.clone() {
                if let Some(sold) = demand.sold(day) {
                    table.write_record([demand.id(), &demand.date(day), &sold.to_string()])?;
                }
            }
        }
        table.flush()
    }
}
