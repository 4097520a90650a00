//! Columns by their names and by their cells.

use super::*;

#[test]
fn the_most_telling_name_wins_wherever_it_is() {
    let guess = |role: Role, columns: &[&'static str]| role.guess(columns, &[]);
    assert_eq!(
        guess(Role::Text, &["title", "Review Text"]),
        Some("Review Text")
    );
    assert_eq!(
        guess(Role::Time, &["year", "Invoice-Date", "ts"]),
        Some("year")
    );
    assert_eq!(
        guess(Role::Item, &["stock_code", "quantity"]),
        Some("stock_code")
    );
    assert_eq!(guess(Role::Value, &["a", "b"]), None);
}

#[test]
fn part_of_a_name_is_enough_if_it_is_long() {
    let guess = |columns: &[&'static str]| Role::Rating.guess(columns, &[]);
    assert_eq!(guess(&["book", "user_rating_2"]), Some("user_rating_2"));
    assert_eq!(
        guess(&["rating_count", "Rating"]),
        Some("Rating"),
        "the whole name first"
    );
    assert_eq!(
        Role::Time.guess(&["lots", "tsunami"], &[]),
        None,
        "`ts` is too short to be found in a word"
    );
}

#[test]
fn a_column_has_one_role() {
    let columns = ["item", "price", "sku"];
    assert_eq!(Role::Series.guess(&columns, &[]), Some("sku"));
    assert_eq!(Role::Series.guess(&columns, &["sku"]), Some("item"));
    assert_eq!(Role::Series.guess(&columns, &["sku", "item"]), None);
    assert_eq!(
        Role::Text.guess(&["\u{feff}text"], &[]),
        None,
        "an invisible character"
    );
}

#[test]
fn names_are_compared_by_letters_and_digits() {
    assert_eq!(
        normalized(" Unix-Review_Time (UTC) 2"),
        "unixreviewtimeutc2"
    );
    assert!(Role::User.is_usual_name("USER_ID") && !Role::User.is_usual_name("users"));
    assert_eq!(normalized("ÉTÉ"), "été");
}

#[test]
fn cells_rule_roles_out() {
    for (role, fits, others) in [
        (Role::Text, "three words here", "two words"),
        (Role::Label, "not ok", "one two three"),
        (Role::Path, "a/b.jpg", "3.5"),
        (Role::Time, "2024-02-29", "20240229"),
        (Role::Time, "2024-02-29 10:00", "soon"),
        (Role::Value, " 1e3 ", "1,5"),
        (Role::Rating, "4", "four"),
        (Role::User, "u-17", "u 17"),
        (Role::Series, "17", ""),
    ] {
        assert!(role.may_be(fits), "{role:?} {fits}");
        assert!(!role.may_be(others), "{role:?} {others}");
    }
}

#[test]
fn usual_names_are_as_names_are_compared() {
    let roles = [
        Role::Text,
        Role::Label,
        Role::Path,
        Role::User,
        Role::Item,
        Role::Rating,
        Role::Time,
        Role::Value,
        Role::Series,
    ];
    for name in roles.iter().flat_map(|role| role.usual_names()) {
        assert_eq!(&normalized(name), name, "could never be found");
    }
    let flags: std::collections::BTreeSet<&str> = roles.iter().map(|role| role.flag()).collect();
    assert_eq!(flags.len(), roles.len(), "two roles have the same option");
}
