//! Answers and refusals as a program beside the batch makes them.

use easylife_scoring::{Refusal, RefusalKind, Score};

/// Doubles a number; refuses what is missing, odd or too large.
struct Doubler;

impl Score for Doubler {
    type Request<'a> = Option<u32>;
    type Answer<'m> = u32;
    type Scratch = Vec<u32>;

    fn score(&self, requests: &[Option<u32>], scratch: &mut Vec<u32>) -> Vec<Result<u32, Refusal>> {
        let mut answer = |request: &Option<u32>| {
            let number = request.ok_or_else(|| Refusal::missing("the number is missing"))?;
            scratch.push(number);
            match number {
                100.. => Err(Refusal::unknown(format!("{number} is unknown"))),
                odd if odd % 2 == 1 => Err(Refusal::invalid(format!("{odd} is odd"))),
                even => Ok(2 * even),
            }
        };
        requests.iter().map(&mut answer).collect()
    }
}

/// What a generic caller does with any scorer.
fn one_by_one<'m, 'a, S: Score>(
    scorer: &'m S,
    requests: &[S::Request<'a>],
) -> Vec<Result<S::Answer<'m>, Refusal>> {
    let mut scratch = S::Scratch::default();
    let each = requests.iter();
    each.flat_map(|request| scorer.score(std::slice::from_ref(request), &mut scratch))
        .collect()
}

#[test]
fn a_refused_request_leaves_the_others_answered() {
    let requests = [Some(2), None, Some(3), Some(100), Some(4)];
    let answers = Doubler.score(&requests, &mut Vec::new());
    assert_eq!(answers.len(), requests.len());
    assert_eq!((&answers[0], &answers[4]), (&Ok(4), &Ok(8)));
    let refused: Vec<(RefusalKind, String)> = answers
        .iter()
        .filter_map(|answer| answer.as_ref().err())
        .map(|refusal| (refusal.kind, refusal.to_string()))
        .collect();
    let of = |kind, reason: &str| (kind, reason.to_owned());
    assert_eq!(
        refused,
        [
            of(RefusalKind::Missing, "the number is missing"),
            of(RefusalKind::Invalid, "3 is odd"),
            of(RefusalKind::Unknown, "100 is unknown"),
        ]
    );
    assert_eq!(one_by_one(&Doubler, &requests), answers);
}

#[test]
fn scorers_are_shared_by_threads() {
    let answers: Vec<u32> = std::thread::scope(|scope| {
        let ask = |number| scope.spawn(move || one_by_one(&Doubler, &[Some(number)]).remove(0));
        let asked: Vec<_> = [2, 4, 6].map(ask).into();
        asked
            .into_iter()
            .map(|thread| thread.join().unwrap().unwrap())
            .collect()
    });
    assert_eq!(answers, [4, 8, 12]);
}
