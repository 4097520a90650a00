//! The log of a made-up shop, and the names of its items.

mod shop;

use std::io::{self, Write};

use self::shop::{Purchase, Shop};
use crate::pipeline::sample::Sample;
use crate::tasks::recsys::Recsys;
use crate::tasks::recsys::params::Params;

impl Sample for Recsys {
    const FILES: &'static [&'static str] = &[
        "tables/interactions.csv",
        "tables/items.csv",
        "incoming.csv",
    ];

    fn write(params: &Params, seed: u64, name: &str, out: &mut dyn Write) -> io::Result<()> {
        let shop = Shop {
            seed,
            users: params.sample.users,
            items: params.sample.items,
        };
        let mut out = csv::Writer::from_writer(out);
        match name {
            "tables/items.csv" => {
                out.write_record(["item_id", "title", "kind"])?;
                for book in shop.books() {
                    out.write_record([&book.id, &book.title, book.kind])?;
                }
            }
            "incoming.csv" => log(&shop.incoming(params.sample.incoming), &mut out)?,
            _ => log(&shop.log(), &mut out)?,
        }
        out.flush()
    }
}

fn log(purchases: &[Purchase], out: &mut csv::Writer<&mut dyn Write>) -> io::Result<()> {
    out.write_record(["user_id", "item_id", "rating", "timestamp"])?;
    for purchase in purchases {
        let (rating, time) = (purchase.rating.to_string(), purchase.time.to_string());
        out.write_record([&purchase.user, &purchase.item, &rating, &time])?;
    }
    Ok(())
}
