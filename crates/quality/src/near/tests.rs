//! Laws, worst cases, and similarities that a person can count.

use proptest::prelude::*;

use super::*;

fn options(threshold: f64, shingles: Shingles) -> Options {
    Options {
        threshold,
        shingles,
        ..Options::default()
    }
}

fn found(options: Options, texts: &[impl AsRef<str> + Send + Sync]) -> Duplicates {
    let mut index = options.texts().unwrap();
    index.extend(texts.iter().map(AsRef::as_ref)).unwrap();
    index.duplicates()
}

/// Words that depend on all of `seeds` and on nothing else.
fn words(count: usize, seed: u64) -> Vec<String> {
    (0..count)
        .map(|i| {
            format!(
                "{:x}",
                xxhash_rust::xxh3::xxh3_64(
                    &[seed.to_le_bytes(), (i as u64).to_le_bytes()].concat()
                ) >> 32
            )
        })
        .collect()
}

#[test]
fn case_punctuation_and_forms_of_characters_do_not_matter() {
    let texts = [
        "Don't panic: the ﬁle isn't lost!",
        "dont   PANIC - the file isn’t lost",
        "Ｄｏｎ'ｔ panic, the file isn't lost.",
        "do panic: the file is lost",
        "",
        "?!",
    ];
    let found = found(Options::default(), &texts);
    assert_eq!(found.groups, [[0, 1, 2]]);
    assert_eq!(found.without_words, 2);
    assert!(
        found
            .pairs
            .iter()
            .all(|pair| pair.first == 0 && pair.similarity == 1.0)
    );
}

#[test]
fn similarities_are_exact() {
    // Nine of eleven words: 9 / 11; eight of ten in all.
    let base = "one two three four five six seven eight nine ten";
    let changed = "one two three four five six seven eight nine eleven";
    let shorter = "one two three four five six seven eight";
    let texts = [base, changed, shorter];
    let found = found(options(0.8, Shingles::Words(1)), &texts);
    let pairs: Vec<(u32, u32, f32)> = found
        .pairs
        .iter()
        .map(|pair| (pair.first, pair.second, pair.similarity))
        .collect();
    assert_eq!(pairs, [(0, 1, 9.0 / 11.0), (0, 2, 0.8), (1, 2, 0.8)]);
    assert_eq!(found.groups, [[0, 1, 2]]);
    // Of pairs of words eight of ten, and below the threshold seven of nine.
    let pairs = found_pairs(options(0.8, Shingles::Words(2)), &texts);
    assert_eq!(pairs, [(0, 1)]);
}

fn found_pairs(options: Options, texts: &[&str]) -> Vec<(u32, u32)> {
    found(options, texts)
        .pairs
        .iter()
        .map(|pair| (pair.first, pair.second))
        .collect()
}

#[test]
fn characters_and_scripts_without_spaces_are_shingled() {
    let texts = [
        "我的银行卡还没有到请帮我查一下",
        "我的银行卡还没有到请帮我查一查",
        "今天的天气非常好我们去公园散步",
    ];
    assert_eq!(
        found_pairs(options(0.8, Shingles::Words(1)), &texts),
        [(0, 1)]
    );
    let texts = [
        "the quick brown fox jumps over it",
        "the quick brown fox jumped over it",
        "lorem ipsum",
    ];
    assert_eq!(
        found_pairs(options(0.6, Shingles::Characters(4)), &texts),
        [(0, 1)]
    );
}

#[test]
fn order_matters_to_runs_of_words_only() {
    let texts = ["the cat bites the dog", "the dog bites the cat"];
    assert_eq!(
        found_pairs(options(0.8, Shingles::Words(1)), &texts),
        [(0, 1)]
    );
    assert_eq!(found_pairs(options(0.8, Shingles::Words(2)), &texts), []);
}

#[test]
fn options_out_of_range_are_refused() {
    for threshold in [0.0, 0.29, 1.01, f64::NAN, -1.0] {
        let refused = options(threshold, Shingles::Words(1)).texts().map(|_| ());
        assert!(refused.is_err(), "{threshold}");
    }
    let refused = options(0.8, Shingles::Words(0))
        .texts()
        .map(|_| ())
        .unwrap_err();
    assert!(refused.to_string().contains("length 0"), "{refused}");
    assert!(options(0.8, Shingles::Characters(33)).texts().is_err());
}

#[test]
fn an_empty_collection_and_one_text_have_no_duplicates() {
    assert!(found(Options::default(), &[] as &[&str]).groups.is_empty());
    assert!(found(Options::default(), &["a"]).groups.is_empty());
    let texts = Options::default().texts().unwrap();
    assert!(texts.is_empty());
    assert!(texts.leakage(0).leaks.is_empty());
    assert!(texts.leakage(5).leaks.is_empty());
}

#[test]
fn plans_find_nearly_all_at_their_threshold() {
    for threshold in [0.5, 0.6, 0.7, 0.8, 0.9, 1.0] {
        let plan = options(threshold, Shingles::Words(1))
            .texts()
            .unwrap()
            .plan();
        assert!(plan.recall(threshold) >= 0.99, "{threshold} {plan:?}");
        assert!(
            plan.bands <= 64 && plan.bands * plan.hashes <= 256,
            "{plan:?}"
        );
    }
    // 1 - (1 - .8^8)^32
    let plan = Plan {
        bands: 32,
        hashes: 8,
    };
    assert!((plan.recall(0.8) - 0.997_2).abs() < 1e-4);
}

/// 400 texts and 400 copies with two of thirty words changed: 28 / 32 is .875.
fn planted() -> Vec<String> {
    let mut texts: Vec<String> = (0..400).map(|i| words(30, i).join(" ")).collect();
    for i in 0..400 {
        let mut copy = words(30, i);
        copy[3] = format!("new{i}");
        copy[17] = format!("newer{i}");
        texts.push(copy.join(" "));
    }
    texts
}

#[test]
fn planted_pairs_are_found_and_no_others() {
    let found = found(Options::default(), &planted());
    let right = |pair: &&Pair| pair.second == pair.first + 400 && pair.similarity == 0.875;
    assert_eq!(found.pairs.iter().filter(right).count(), found.pairs.len());
    assert_eq!(found.pairs.len(), 400);
    assert_eq!(found.coverage.unchecked, 0);
}

#[test]
fn planted_leaks_are_found_with_their_originals() {
    let mut texts = Options::default().texts().unwrap();
    texts.extend(planted()).unwrap();
    texts
        .extend(planted().into_iter().skip(390).take(20))
        .unwrap();
    // Training: the first 400. The rest are near-copies of them, then ten exact and ten near-copies.
    let leaks = texts.leakage(400).leaks;
    assert_eq!(leaks.len(), 420);
    for leak in leaks {
        let original = match leak.row {
            400..800 => leak.row - 400,
            800..810 => leak.row - 800 + 390,
            row => row - 810,
        };
        assert_eq!(leak.original, original, "{leak:?}");
        let is_copy = (800..810).contains(&leak.row);
        assert_eq!(leak.similarity, if is_copy { 1.0 } else { 0.875 });
    }
}

#[test]
fn results_do_not_depend_on_threads() {
    let texts = planted();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| found(Options::default(), &texts))
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn equal_texts_are_one_entry() {
    let found = found(Options::default(), &vec!["one and the same text"; 20_000]);
    assert_eq!(found.groups.len(), 1);
    assert_eq!(found.groups[0].len(), 20_000);
    assert_eq!(found.pairs.len(), 19_999);
    assert_eq!(found.coverage.compared, 0);
}

/// Texts of a template of `shared` words and `own` of their own.
fn template(count: u64, shared: usize, own: usize) -> Vec<String> {
    let head = words(shared, u64::MAX).join(" ");
    (0..count)
        .map(|i| format!("{head} {}", words(own, i).join(" ")))
        .collect()
}

#[test]
fn a_template_that_makes_duplicates_is_one_group_in_linear_time() {
    // 27 of 33 words are shared.
    let found = found(Options::default(), &template(20_000, 27, 3));
    assert_eq!(found.groups.len(), 1);
    assert_eq!(found.groups[0].len(), 20_000);
    assert!(
        found.coverage.compared < 20_000 * 100,
        "{:?}",
        found.coverage
    );
    assert!(found.coverage.large_buckets > 0);
}

#[test]
fn a_template_that_makes_none_is_bounded_and_said() {
    // 20 of 40 words are shared; two texts among them are alike.
    let mut texts = template(20_000, 20, 10);
    texts[7] = format!("{} extra", texts[15_000]);
    let found = found(Options::default(), &texts);
    assert_eq!(found.groups, [[7, 15_000]]);
    assert!(
        found.coverage.compared < 20_000 * 200,
        "{:?}",
        found.coverage
    );
    assert!(found.coverage.unchecked > 0, "{:?}", found.coverage);
}

#[test]
fn groups_join_through_members() {
    let mut groups = Groups::new(6);
    groups.join(4, 2);
    groups.join(5, 4);
    groups.join(0, 1);
    assert!(groups.joined(2, 5) && !groups.joined(0, 2));
    assert_eq!(groups.root(5), 2);
    assert_eq!(groups.into_groups(), vec![vec![0, 1], vec![2, 4, 5]]);
}

#[test]
fn too_large_distances_are_refused() {
    let refused = close_hashes(&[1, 2], 12).unwrap_err();
    assert!(refused.to_string().contains("distance 12"), "{refused}");
    assert!(close_hashes(&[], 11).unwrap().groups.is_empty());
}

proptest! {
    /// Every pair within the distance, and no other.
    #[test]
    fn close_hashes_are_those_of_brute_force(
        rows in prop::collection::vec((0_u64..4, prop::collection::vec(0_u32..64, 0..8)), 0..60),
        distance in 0_u32..12,
    ) {
        let hashes: Vec<u64> = rows
            .iter()
            .map(|(base, flips)| flips.iter().fold(base * 0x9e37_79b9_7f4a_7c15, |hash, bit| hash ^ 1 << bit))
            .collect();
        let is_first = |row: usize| !hashes[..row].contains(&hashes[row]);
        let mut expected = Vec::new();
        for second in 0..hashes.len() {
            for first in 0..second {
                let bits = (hashes[first] ^ hashes[second]).count_ones();
                if bits <= distance && is_first(first) && is_first(second) {
                    expected.push((first as u32, second as u32, bits));
                }
            }
        }
        expected.sort_unstable();
        prop_assert_eq!(close_hashes(&hashes, distance).unwrap().pairs, expected);
    }

    /// Whatever is reported has the similarity that the definition gives.
    #[test]
    fn reported_pairs_are_similar(
        texts in prop::collection::vec(prop::collection::vec(0_u8..12, 0..12), 0..40),
        length in 1_usize..4,
    ) {
        let texts: Vec<String> = texts
            .iter()
            .map(|words| words.iter().map(|word| format!("w{word} ")).collect())
            .collect();
        let set = |text: &str| -> std::collections::HashSet<Vec<String>> {
            let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            let length = length.min(words.len());
            if words.is_empty() { return Default::default(); }
            words.windows(length).map(<[String]>::to_vec).collect()
        };
        for pair in found(options(0.5, Shingles::Words(length)), &texts).pairs {
            let (a, b) = (set(&texts[pair.first as usize]), set(&texts[pair.second as usize]));
            let similarity = a.intersection(&b).count() as f64 / a.union(&b).count() as f64;
            prop_assert!(similarity >= 0.5);
            prop_assert_eq!(pair.similarity, similarity as f32);
        }
    }
}
