//! Short texts of sample rows, by a small grammar: notes of a support desk, and descriptions of houses.

use crate::tasks::draw::Draw;

/// What a customer thinks of the service; what state a house is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Bad,
    Neutral,
    Good,
}

/// Share of texts that tell nothing of the mood.
const BLAND: f64 = 0.15;

const SUBJECTS: [&str; 12] = [
    "the last bill",
    "a price change",
    "the app",
    "a broken device",
    "the contract",
    "slow connections",
    "a missed appointment",
    "the login",
    "an unknown charge",
    "the new tariff",
    "delivery",
    "a change of address",
];

/// How a note begins, by mood.
const OPENINGS: [[&str; 5]; 3] = [
    [
        "Complaint about",
        "Called again about",
        "Upset about",
        "Third call about",
        "Very unhappy with",
    ],
    [
        "Question about",
        "Asked about",
        "Called about",
        "Wrote about",
        "Information on",
    ],
    [
        "Quick question about",
        "Happy with our help on",
        "Friendly call about",
        "Thanked us for",
        "Praised",
    ],
];

/// How a note ends, by mood.
const ENDINGS: [[&str; 6]; 3] = [
    [
        "asked how to cancel",
        "wants a refund",
        "is comparing other offers",
        "no solution found",
        "promised a call back, none was made",
        "threatens to leave",
    ],
    [
        "explained by phone",
        "sent the form",
        "forwarded to billing",
        "data updated",
        "will check and write back",
        "no further action",
    ],
    [
        "solved at once",
        "asked for an upgrade",
        "thanked the team",
        "recommends us to friends",
        "ordered an extra",
        "everything works now",
    ],
];

/// The note of a support desk.
pub fn support(mood: Mood, draw: &mut Draw) -> String {
    let mood = distorted(mood, draw);
    let opening = draw.choose(&OPENINGS[mood]);
    let subject = draw.choose(&SUBJECTS);
    let ending = draw.choose(&ENDINGS[mood]);
    format!("{opening} {subject}, {ending}.")
}

/// What is said of a house first, by its state.
const STATES: [[&str; 5]; 3] = [
    [
        "In need of repair",
        "For those who like to renovate",
        "Dated but solid",
        "Original fittings",
        "Project for experts",
    ],
    [
        "Well kept",
        "Tidy",
        "Ready to move in",
        "Cosy",
        "Practical layout",
    ],
    [
        "Renovated throughout",
        "Elegant",
        "Designer kitchen",
        "Like new",
        "High-end fittings",
    ],
];

const SITES: [&str; 8] = [
    "close to schools",
    "quiet street",
    "near the shops",
    "good bus line",
    "friendly neighbours",
    "by the park",
    "corner plot",
    "short way to work",
];

/// The description of a house; `view` is said where there is one.
pub fn house(state: Mood, view: bool, draw: &mut Draw) -> String {
    let state = distorted(state, draw);
    let state = draw.choose(&STATES[state]);
    let site = draw.choose(&SITES);
    match view {
        true => format!("{state}, {site}, open view"),
        false => format!("{state}, {site}"),
    }
}

/// Index of the mood that a text shows.
fn distorted(mood: Mood, draw: &mut Draw) -> usize {
    match (draw.chance(BLAND), mood) {
        (true, _) | (_, Mood::Neutral) => 1,
        (_, Mood::Bad) => 0,
        (_, Mood::Good) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_show_the_mood_but_not_always() {
        let shares = |mood| {
            let hits = (0..2000).filter(|&row| {
                let note = support(mood, &mut Draw::new([2; 32], row));
                ENDINGS[0].iter().any(|ending| note.contains(ending))
            });
            hits.count() as f64 / 2000.0
        };
        assert!((shares(Mood::Bad) - 0.85).abs() < 0.03);
        assert_eq!(shares(Mood::Neutral), 0.0);
        assert_eq!(shares(Mood::Good), 0.0);
    }

    #[test]
    fn a_view_is_said_where_there_is_one() {
        let of = |view| house(Mood::Good, view, &mut Draw::new([3; 32], 0));
        assert_eq!(of(true), format!("{}, open view", of(false)));
    }
}
