//! That the table of houses is what its description says.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::*;

fn table(rows: u64, seed: u64) -> Vec<u8> {
    let mut out = Vec::new();
    Houses { rows, seed }.write(&mut out).unwrap();
    out
}

/// Mean of ln(price / area) of the houses for which `is` is true.
fn level(is: impl Fn(&House) -> bool) -> f64 {
    let sample = Houses {
        rows: 40_000,
        ..Houses::default()
    };
    let of: Vec<f64> = sample
        .iter()
        .filter(is)
        .map(|house| math::ln(f64::from(house.price) / f64::from(house.area_m2)))
        .collect();
    assert!(of.len() >= 200, "{} houses are too few to tell", of.len());
    of.iter().sum::<f64>() / of.len() as f64
}

fn district(house: &House) -> usize {
    DISTRICTS
        .iter()
        .position(|&name| name == house.district)
        .unwrap()
}

#[test]
fn the_bytes_stay_as_they_are() {
    // A change here changes every sample: say so in CHANGELOG.md.
    let digest = Sha256::digest(table(1000, 42));
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        digest,
        "eebc3b2c4b7c4fef74e11e11db99bfbfe4ab1f4e9157046e3b3122bba2584941"
    );
}

#[test]
fn a_longer_table_starts_with_the_shorter_one_and_seeds_differ() {
    let (short, long) = (table(50, 7), table(90, 7));
    assert!(long.starts_with(&short) && long.len() > short.len());
    assert_ne!(table(50, 8), short);
    assert_eq!(table(0, 7), format!("{}\n", COLUMNS.join(",")).into_bytes());
}

#[test]
fn levels_and_prices_are_within_their_ranges() {
    let houses: Vec<House> = Houses::default().iter().collect();
    assert_eq!(houses.len(), 3000);
    let count = |of: fn(&House) -> &str| houses.iter().map(of).collect::<BTreeSet<_>>().len();
    assert_eq!(count(|house| house.district), 30);
    assert_eq!(count(|house| house.kind), 4);
    assert_eq!(count(|house| house.heating), 5);
    assert_eq!(count(|house| house.energy.unwrap_or_default()), 9);
    for house in &houses {
        assert_eq!(house.price % 100, 0);
        assert!((40_000..3_000_000).contains(&house.price), "{house:?}");
        assert!(house.renovated.is_none_or(|year| year > house.built));
    }
}

#[test]
fn cells_are_missing_for_the_reasons_given() {
    let houses: Vec<House> = Houses::default().iter().collect();
    for house in &houses {
        let is_flat = house.kind == "flat";
        assert_eq!(house.floor.is_some(), is_flat);
        assert_eq!(house.garden_m2.is_none(), is_flat);
    }
    let missing = |is: fn(&House) -> bool| houses.iter().filter(|house| is(house)).count();
    assert!((150..=270).contains(&missing(|house| house.energy.is_none())));
    assert!((30..=95).contains(&missing(|house| house.distance_station_km.is_none())));
    assert!(missing(|house| house.renovated.is_none()) > 1800);
}

#[test]
fn oil_costs_more_where_insulation_is_poor() {
    let is = |oil: bool, classes: &'static [&str]| {
        move |house: &House| {
            let class = house.energy.is_some_and(|class| classes.contains(&class));
            (house.heating == "oil") == oil && class && house.built < 2010
        }
    };
    let gap = |classes| level(is(false, classes)) - level(is(true, classes));
    let (poor, good) = (gap(&["F", "G"]), gap(&["A+", "A", "B"]));
    assert!(poor > good + 0.07, "{poor} {good}");
}

#[test]
fn high_floors_are_cheap_without_a_lift_only() {
    let rise = |lift: bool| {
        let high = level(|h| h.floor.is_some_and(|f| f >= 3) && (h.built >= 1970) == lift);
        high - level(|h| h.floor.is_some_and(|f| f <= 1) && (h.built >= 1970) == lift)
    };
    assert!(rise(false) < -0.05, "{}", rise(false));
    assert!(rise(true) > 0.02, "{}", rise(true));
}

#[test]
fn very_old_houses_are_dear_in_old_districts_only() {
    let gap = |old: bool| {
        let is = |h: &House| (district(h) < 10) == old && h.renovated.is_some();
        level(|h| is(h) && h.built < 1915) - level(|h| is(h) && (1915..1960).contains(&h.built))
    };
    assert!(
        gap(true) > gap(false) + 0.15,
        "{} {}",
        gap(true),
        gap(false)
    );
}

#[test]
fn the_station_matters_for_flats() {
    let fall = |flat: bool| {
        let is = |h: &House| (h.kind == "flat") == flat;
        let near = level(|h| is(h) && h.distance_station_km.is_some_and(|km| km < 0.6));
        near - level(|h| is(h) && h.distance_station_km.is_some_and(|km| km > 4.0))
    };
    assert!(
        fall(true) > fall(false) + 0.08,
        "{} {}",
        fall(true),
        fall(false)
    );
}

#[test]
fn descriptions_and_the_month_tell_the_price() {
    let said = |word: &'static str| level(move |h| h.description.contains(word));
    assert!(said("Elegant") > said("repair") + 0.15);
    let sold = |year: &'static str| level(move |h| h.sold_on.starts_with(year));
    assert!(sold("2022") > sold("2020") + 0.05);
    assert!(sold("2024") < sold("2022") + 0.08);
}
