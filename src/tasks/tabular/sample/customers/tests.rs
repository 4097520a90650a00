//! That the table of customers is what its description says.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::*;

fn customers(rows: u64, seed: u64) -> Customers {
    Customers {
        rows,
        seed,
        ..Customers::default()
    }
}

fn table(customers: &Customers) -> Vec<u8> {
    let mut out = Vec::new();
    customers.write(&mut out).unwrap();
    out
}

fn incoming(customers: &Customers, rows: u64) -> String {
    let mut out = Vec::new();
    customers.write_incoming(rows, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn hash(bytes: impl AsRef<[u8]>) -> String {
    let digest = Sha256::digest(bytes.as_ref());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn header(table: &[u8]) -> String {
    let end = table.iter().position(|&byte| byte == b'\n').unwrap();
    String::from_utf8(table[..end].to_vec()).unwrap()
}

/// Share of the customers that left, of those for whom `is` is true.
fn churn(is: impl Fn(&Customer) -> bool) -> f64 {
    let of: Vec<bool> = customers(20_000, 42)
        .iter()
        .filter(is)
        .map(|customer| customer.churned)
        .collect();
    assert!(
        of.len() >= 200,
        "{} customers are too few to tell",
        of.len()
    );
    of.iter().filter(|&&churned| churned).count() as f64 / of.len() as f64
}

/// Area under the ROC curve of risks: the share of pairs of one who left and one who stayed with the higher risk
/// for the former. Risks are practically never equal.
fn auc(customers: &[Customer]) -> f64 {
    let mut sorted: Vec<&Customer> = customers.iter().collect();
    sorted.sort_by(|a, b| a.risk.total_cmp(&b.risk));
    let (mut stayed, mut pairs) = (0_u64, 0_u64);
    for customer in &sorted {
        match customer.churned {
            true => pairs += stayed,
            false => stayed += 1,
        }
    }
    let left = customers.len() as u64 - stayed;
    pairs as f64 / (stayed * left) as f64
}

#[test]
fn the_bytes_stay_as_they_are() {
    // A change here changes every sample: say so in CHANGELOG.md.
    let sample = customers(1000, 42);
    assert_eq!(
        hash(table(&sample)),
        "53d97612f1b01f4fcacb652acab4785410a40d6580aca0e276ab7fba3377df74"
    );
    assert_eq!(
        hash(incoming(&sample, 500)),
        "2623a4a50ac9d4914985d297d8b34c76e18f2ee3711a5e4b82b15b48a3eb7cad"
    );
}

#[test]
fn a_longer_table_starts_with_the_shorter_one_and_seeds_differ() {
    let (short, long) = (table(&customers(50, 7)), table(&customers(90, 7)));
    assert!(long.starts_with(&short) && long.len() > short.len());
    assert_ne!(table(&customers(50, 8)), short);
    assert_eq!(customers(0, 7).iter().count(), 0);
}

#[test]
fn a_fifth_leaves_and_the_best_auc_is_short_of_certainty() {
    for seed in [42, 1, 2] {
        let customers: Vec<Customer> = customers(4000, seed).iter().collect();
        let left = customers.iter().filter(|customer| customer.churned).count();
        assert!((680..=920).contains(&left), "{left} left");
        let auc = auc(&customers);
        println!("{left} {auc}");
        assert!((0.85..=0.9).contains(&auc), "{auc}");
    }
}

#[test]
fn levels_have_uneven_shares() {
    let customers: Vec<Customer> = customers(4000, 42).iter().collect();
    let count = |of: fn(&Customer) -> &str| -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for customer in &customers {
            *counts.entry(of(customer)).or_insert(0) += 1;
        }
        counts
    };
    let plans = count(|customer| customer.plan);
    assert_eq!(plans.len(), 4);
    assert!((1400..=1640).contains(&plans["basic"]), "{plans:?}");
    let regions = count(|customer| customer.region);
    assert_eq!(regions.len(), 25);
    let (most, least) = (regions.values().max(), regions.values().min());
    assert!(most.unwrap() > &(least.unwrap() * 8), "{regions:?}");
    let referrers = count(|customer| &customer.referrer);
    let rare = referrers.values().filter(|&&count| count < 10).count();
    assert!(referrers.len() > 100 && rare > 50, "{referrers:?}");
}

#[test]
fn cells_are_missing_for_the_reasons_given() {
    let mut without_age = 0;
    for customer in customers(4000, 42).iter() {
        assert_eq!(
            customer.minutes_per_visit.is_none(),
            customer.visits_30d == 0
        );
        assert_eq!(customer.last_note.is_none(), customer.support_calls == 0);
        without_age += usize::from(customer.age.is_none());
    }
    assert!((120..=200).contains(&without_age), "{without_age}");
    let (with, without) = (churn(|c| c.age.is_some()), churn(|c| c.age.is_none()));
    assert!((with - without).abs() < 0.05, "{with} {without}");
}

#[test]
fn calls_matter_by_plan() {
    let rise = |plan: &str| {
        let often = churn(|c| c.plan == plan && c.support_calls >= 2);
        often - churn(|c| c.plan == plan && c.support_calls == 0)
    };
    assert!(rise("basic") > 0.3, "{}", rise("basic"));
    assert!(rise("basic") > rise("standard") + 0.1);
    assert!(rise("standard") > rise("plus") + 0.05);
}

#[test]
fn visits_have_a_threshold() {
    let of = |low: u32, high: u32| churn(|c| (low..high).contains(&c.visits_30d));
    // Two visits more or less matter at 4 and nowhere near it.
    assert!(of(2, 4) > of(4, 6) + 0.1, "{} {}", of(2, 4), of(4, 6));
    assert!(
        (of(4, 6) - of(6, 8)).abs() < 0.05,
        "{} {}",
        of(4, 6),
        of(6, 8)
    );
}

#[test]
fn fees_matter_in_some_regions() {
    let rise = |competes: bool| {
        let is = |c: &Customer| {
            let region = REGIONS.iter().position(|&name| name == c.region).unwrap();
            (region % 3 == 0) == competes && c.plan != "basic"
        };
        churn(|c| is(c) && c.monthly_fee > 50.0) - churn(|c| is(c) && c.monthly_fee < 35.0)
    };
    assert!(
        rise(true) > rise(false) + 0.15,
        "{} {}",
        rise(true),
        rise(false)
    );
}

#[test]
fn the_young_and_the_old_leave_more_often_and_the_old_because_of_paperless_bills() {
    let aged = |low: u32, high: u32| {
        move |c: &Customer| c.age.is_some_and(|age| (low..high).contains(&age))
    };
    let middle = churn(aged(45, 56));
    assert!(churn(aged(18, 28)) > middle + 0.05);
    assert!(churn(aged(70, 93)) > middle + 0.05);
    let gap = |low, high| {
        let is = aged(low, high);
        churn(|c| is(c) && c.paperless) - churn(|c| is(c) && !c.paperless)
    };
    assert!(gap(61, 93) > gap(18, 61) + 0.05);
}

#[test]
fn words_of_notes_correlate_with_leaving() {
    let said = |word: &'static str| {
        churn(move |c| c.last_note.as_ref().is_some_and(|note| note.contains(word)))
    };
    assert!(said("refund") > said("thanked") + 0.2);
    assert!(said("Complaint") > said("Question"));
}

#[test]
fn the_leak_is_off_by_default_and_changes_no_other_column() {
    let plain = customers(2000, 42);
    let leaky = Customers {
        leak: true,
        ..plain
    };
    assert!(!header(&table(&plain)).contains("retention_offer"));
    assert!(header(&table(&leaky)).ends_with(",churned,retention_offer"));
    let (plain, with) = (table(&plain), table(&leaky));
    let lines = |table: &[u8]| -> Vec<String> {
        let text = String::from_utf8(table.to_vec()).unwrap();
        text.lines().map(str::to_owned).collect()
    };
    for (plain, with) in lines(&plain).iter().zip(lines(&with)) {
        assert_eq!(with.rsplit_once(',').unwrap().0, plain);
    }
    let wrong = leaky.iter().filter(|c| c.churned != c.retention_offer);
    assert!((5..=40).contains(&wrong.count()));
}

#[test]
fn incoming_rows_have_no_target_and_a_few_unseen_levels() {
    let sample = customers(4000, 42);
    let text = incoming(&sample, 500);
    assert_eq!(text.lines().count(), 501);
    assert_eq!(text.lines().next().unwrap(), COLUMNS.join(","));
    let known: BTreeSet<&str> = sample.iter().flat_map(|c| [c.plan, c.region]).collect();
    let unseen = sample
        .incoming(500)
        .filter(|c| !known.contains(c.plan) || !known.contains(c.region));
    assert!((5..=50).contains(&unseen.count()));
    let leaky = Customers {
        leak: true,
        ..sample
    };
    let text = incoming(&leaky, 20);
    assert!(
        text.lines().skip(1).all(|line| line.ends_with(',')),
        "{text}"
    );
}

#[test]
fn every_row_has_a_cell_for_each_column() {
    for (text, columns) in [
        (table(&customers(300, 5)), 13),
        (incoming(&customers(0, 5), 300).into_bytes(), 12),
    ] {
        let mut rows = csv::Reader::from_reader(text.as_slice());
        assert!(rows.records().all(|row| row.unwrap().len() == columns));
    }
}
