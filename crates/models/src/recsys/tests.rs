//! Data shared by several tests of this folder, and tests across its files.

use super::*;
use crate::state::Stateful;

/// Users with four tastes, each with some items of their own taste and a few others.
pub fn clusters(users: usize, items: usize) -> Interactions {
    let mut all = Interactions::new(items);
    for user in 0..users {
        let liked = |item: &u32| {
            let item = *item as usize;
            let chance = if item % 4 == user % 4 { 3 } else { 11 };
            (item * 7 + user * user * 3 + item * user).is_multiple_of(chance)
        };
        let row: Vec<u32> = (0..items as u32).filter(liked).collect();
        let weights = vec![1.0; row.len()];
        all.push(&row, &weights);
    }
    all
}

fn every_kind() -> Vec<ModelOptions> {
    vec![
        ModelOptions::Als(als::AlsOptions {
            factors: 8,
            ..als::AlsOptions::default()
        }),
        ModelOptions::Ease(ease::EaseOptions {
            regularization: 10.0,
        }),
        ModelOptions::Knn(knn::KnnOptions::default()),
        ModelOptions::Graph(graph::GraphOptions {
            factors: 6,
            ..graph::GraphOptions::default()
        }),
        ModelOptions::Popular,
    ]
}

fn model(options: &ModelOptions) -> Model {
    let taken = clusters(60, 40);
    let fitted = options.fit(&taken, 1, usize::MAX).unwrap();
    Model {
        catalogue: Catalogue {
            users: (0..60).map(|user| format!("u{user}")).collect(),
            items: (0..40).map(|item| format!("i{item}")).collect(),
            titles: Vec::new(),
        },
        popularity: popularity(&taken, &[], 0.0),
        half_life: 0.0,
        later: later(&taken),
        taken,
        fitted,
    }
}

/// An item that a user has not taken.
fn unknown_to(taken: &Interactions, user: usize) -> u32 {
    let known = taken.row(user).items;
    (0..).find(|item| !known.contains(item)).unwrap()
}

/// More interactions of a known user and a new one.
fn later(taken: &Interactions) -> Later {
    let mut rows = Interactions::new(taken.width());
    for user in 0..=taken.users() {
        let items: &[u32] = match user {
            3 => &[unknown_to(taken, 3), taken.row(3).items[0]],
            60 => &[7, 2],
            _ => &[],
        };
        rows.push(items, &vec![0.5; items.len()]);
    }
    Later {
        users: vec!["new".to_owned()],
        taken: rows,
    }
}

#[test]
fn later_interactions_follow_the_known_ones() {
    let model = model(&ModelOptions::Popular);
    let known = model.taken.row(3).items.to_vec();
    let taken = model.taken_by(3);
    let new = unknown_to(&model.taken, 3);
    assert_eq!(taken.items, [&known[..], &[new]].concat());
    assert_eq!(taken.weights.last(), Some(&0.5));
    assert_eq!(model.taken_by(60).items, [7, 2]);
    assert_eq!(model.users().last().unwrap(), "new");
    assert_eq!(model.taken_by(61), Taken::default());
}

fn queries(model: &Model) -> Vec<Query<'_>> {
    let rows = model.taken.rows();
    rows.map(|history| Query {
        history,
        ..Query::default()
    })
    .collect()
}

#[test]
fn every_kind_lists_what_is_new_and_comes_back_from_its_state() {
    for options in every_kind() {
        let model = model(&options);
        let back = Model::from_state(&model.to_state()).unwrap();
        assert!(back == model, "{options:?}");
        let lists = Recommender::new(&model, Vec::new()).lists(&queries(&model), 5);
        for (user, list) in lists.iter().enumerate() {
            assert_eq!(list.len(), 5);
            let row = model.taken.row(user).items;
            assert!(
                list.iter().all(|scored| !row.contains(&scored.item)),
                "{options:?}"
            );
            assert!(list.is_sorted_by(|a, b| a.score >= b.score));
        }
    }
}

/// Compares the walk that stops early with all scores.
#[test]
fn lists_of_factors_are_exact() {
    let model = model(&every_kind()[0]);
    let Fitted::Als(side) = &model.fitted else {
        unreachable!()
    };
    let hidden = vec![3, 17];
    let lists = Recommender::new(&model, hidden.clone()).lists(&queries(&model), 7);
    for (user, list) in lists.iter().enumerate() {
        let history = model.taken.row(user);
        let mut factors = vec![0.0; 8];
        side.solve(history, &mut als::Scratch::default(), &mut factors);
        let mut top = Top::new(7);
        for item in 0..40u32 {
            if !history.items.contains(&item) && !hidden.contains(&item) {
                let terms = side.row(item).iter().zip(&factors);
                top.push(item, terms.fold(0.0, |sum, (y, p)| p.mul_add(*y, sum)));
            }
        }
        assert_eq!(list, &top.sorted());
    }
}

#[test]
fn allowed_and_denied_items_are_respected() {
    for options in every_kind() {
        let model = model(&options);
        let recommender = Recommender::new(&model, vec![39]);
        let history = model.taken.row(0);
        let allowed: Vec<u32> = (30..40).collect();
        let query = Query {
            history,
            denied: &[31],
            allowed: Some(&allowed),
        };
        let list = recommender.lists(&[query], 20).remove(0);
        let mut expected: Vec<u32> = (30..39).filter(|&item| item != 31).collect();
        expected.retain(|item| !history.items.contains(item));
        let mut items: Vec<u32> = list.iter().map(|scored| scored.item).collect();
        items.sort_unstable();
        assert_eq!(items, expected, "{options:?}");
        // Among all items, they have the same scores.
        let open = recommender
            .lists(
                &[Query {
                    history,
                    ..Query::default()
                }],
                40,
            )
            .remove(0);
        assert!(
            list.iter().all(|scored| open.contains(scored)),
            "{options:?}"
        );
    }
}

#[test]
fn users_without_interactions_get_the_popular_items() {
    for options in every_kind() {
        let model = model(&options);
        let list = Recommender::new(&model, Vec::new())
            .lists(&[Query::default()], 3)
            .remove(0);
        assert!(
            list.iter()
                .all(|s| s.score == model.popularity[s.item as usize])
        );
        assert!(
            list[0].score
                >= *model
                    .popularity
                    .iter()
                    .max_by(|a, b| a.total_cmp(b))
                    .unwrap()
        );
    }
}

/// Two tastes that share no user: beyond its own items, nothing is similar to a user's history.
#[test]
fn lists_continue_by_popularity_after_the_neighbours() {
    let mut taken = Interactions::new(6);
    for items in [&[0, 1][..], &[0, 1], &[0], &[3, 5], &[3, 4, 5], &[5]] {
        taken.push(items, &vec![1.0; items.len()]);
    }
    let fitted = ModelOptions::Knn(knn::KnnOptions::default()).fit(&taken, 1, usize::MAX);
    let fitted = fitted.unwrap();
    let popular = popularity(&taken, &[], 0.0);
    let recommender = Recommender::of(&fitted, &taken, &popular, 0.0);
    let query = Query {
        history: taken.row(2),
        denied: &[4],
        ..Query::default()
    };
    let list = recommender.lists(&[query], 5).remove(0);
    let items: Vec<u32> = list.iter().map(|scored| scored.item).collect();
    assert_eq!(items, [1, 5, 3, 2], "similar, then 3 users, 2 users, none");
    assert!(list[0].score > 0.0 && list[1..].iter().all(|scored| scored.score == 0.0));
}

#[test]
fn contributions_sum_to_the_score_of_every_kind() {
    for options in every_kind() {
        let model = model(&options);
        let recommender = Recommender::new(&model, Vec::new());
        let list = recommender.lists(&queries(&model)[..1], 1).remove(0);
        let (parts, score) = recommender.contributions(model.taken.row(0), list[0].item);
        assert_eq!(parts.len(), model.taken.row(0).items.len());
        assert!((score - list[0].score).abs() < 1e-4, "{options:?}");
    }
}

#[test]
fn similar_items_share_a_taste() {
    for options in every_kind()
        .into_iter()
        .filter(|o| o.kind() != Kind::Popular)
    {
        let model = model(&options);
        let near = Recommender::new(&model, Vec::new())
            .similar(&[4], 3)
            .remove(0);
        assert!(near.iter().all(|scored| scored.item != 4));
        let same = near.iter().filter(|scored| scored.item % 4 == 0).count();
        assert!(same >= 2, "{options:?}: {near:?}");
    }
}

#[test]
fn a_search_finds_tastes_and_keeps_to_its_budget() {
    let held = hold_out(&clusters(60, 40), 0.2, HoldOutRule::Last);
    let relevant: Vec<Vec<u32>> = held
        .out
        .iter()
        .map(|out| out.iter().map(|&(item, _)| item).collect())
        .collect();
    let popularity = popularity(&held.taken, &[], 0.0);
    let search = |budget| Search {
        taken: &held.taken,
        liked: &[],
        relevant: &relevant,
        popularity: &popularity,
        timed: false,
        kind: None,
        options: None,
        half_life: None,
        disliked: None,
        seed: 1,
        budget,
        memory: 1 << 30,
    };
    let (trials, best) = search(100.0).run(&|_, _| {});
    assert_eq!(trials[0].choice.options, ModelOptions::Popular);
    assert!(trials[best].ndcg_at_20 > trials[0].ndcg_at_20);
    let (few, _) = search(0.0).run(&|_, _| {});
    assert_eq!(few.len(), 1, "popularity is always there");
}

#[test]
fn invalid_states_are_refused() {
    let state = model(&ModelOptions::Knn(knn::KnnOptions::default())).to_state();
    let spoil = |change: &dyn Fn(&mut crate::state::State)| {
        let mut state = state.clone();
        change(&mut state);
        Model::from_state(&state).unwrap_err().to_string()
    };
    let wide = spoil(&|s| {
        let items = s.u32s("taken.items", &[None]).unwrap().to_vec();
        s.insert_u32("taken.items", &[items.len()], vec![40; items.len()]);
    });
    assert!(wide.contains("out of range"), "{wide}");
    let twice = spoil(&|s| {
        let items = s.u32s("taken.items", &[None]).unwrap().to_vec();
        s.insert_u32("taken.items", &[items.len()], vec![1; items.len()]);
    });
    assert!(twice.contains("repeated"), "{twice}");
    let start = spoil(&|s| s.insert_u64("taken.starts", &[1], vec![0]));
    assert!(start.contains("taken.starts"), "{start}");
    let kind = spoil(&|s| s.insert_strings("kind", vec!["oracle".to_owned()]));
    assert!(kind.contains("kind"), "{kind}");
}
