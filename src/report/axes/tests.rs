//! Ticks, positions and parts of a chart.

use super::*;

fn ticks(low: f64, high: f64) -> Vec<String> {
    Axis::round("", low, high)
        .ticks
        .into_iter()
        .map(|tick| tick.1)
        .collect()
}

#[test]
fn ticks_are_round_and_few() {
    assert_eq!(ticks(0.0, 1.0), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    assert_eq!(ticks(3.0, 97.0), ["0", "20", "40", "60", "80", "100"]);
    assert_eq!(
        ticks(-12.0, 12.0),
        [
            "\u{2212}15",
            "\u{2212}10",
            "\u{2212}5",
            "0",
            "5",
            "10",
            "15"
        ]
    );
    assert_eq!(
        ticks(0.0, 41_000.0),
        ["0", "10k", "20k", "30k", "40k", "50k"]
    );
    assert_eq!(
        ticks(1.0e9, 1.4e9),
        ["1.0G", "1.1G", "1.2G", "1.3G", "1.4G"]
    );
    assert_eq!(ticks(7.0, 7.0), ["2", "4", "6", "8", "10", "12"]);
    assert_eq!(ticks(f64::NAN, 1.0), ticks(0.0, 1.0));
    for (low, high) in [
        (1e-300, 2e-300),
        (-1e308, 1e308),
        (0.0, f64::MIN_POSITIVE),
        (1e15, 1e15 + 1.0),
    ] {
        let ticks = ticks(low, high);
        assert!(ticks.len() <= 21, "{ticks:?}");
    }
}

#[test]
fn shares_are_percentages() {
    let axis = Axis::share("", 0.13, 1.0);
    let texts: Vec<&str> = axis.ticks.iter().map(|tick| tick.1.as_str()).collect();
    assert_eq!(texts, ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]);
}

#[test]
fn lines_break_where_a_value_is_missing() {
    let plot = Plot {
        x: Axis::round("a", 0.0, 1.0),
        y: Axis::round("b", 0.0, 1.0),
        height: 100.0,
    };
    let path = plot.path(
        [(0.0, 0.0), (0.5, f64::NAN), (0.5, 0.5), (1.0, 1.0)],
        "line",
    );
    assert_eq!(path, "<path class=\"line\" d=\"M56 128M231 78L406 28\"/>\n");
    assert_eq!(plot.path([], "line"), "");
    assert!(plot.axes().contains(">a \u{2192}</text>"));
}

#[test]
fn axes_without_a_name_have_no_label() {
    let bare = Plot {
        x: Axis::round("a", 0.0, 1.0).unlabelled(),
        y: Axis::ticked("", 0.0, 1.0, Vec::new()),
        height: 100.0,
    };
    assert!(!bare.axes().contains("<text"), "{}", bare.axes());
    assert_eq!(
        bare.axes().matches("<line").count(),
        7,
        "six ticks and the axis"
    );
}

#[test]
fn dots_beyond_the_axes_are_left_out() {
    let plot = unit_plot(200.0);
    let points = [
        (0.0, 0.0),
        (10.5, 0.0),
        (f64::NAN, 1.0),
        (10.0, 10.0),
        (1.0, -11.0),
    ];
    assert_eq!(
        plot.dots(points, "dots"),
        "<path class=\"dots\" d=\"M56 128h0M406 28h0\"/>\n"
    );
    assert_eq!(plot.dots([], "dots"), "");
}

fn unit_plot(height: f64) -> Plot {
    Plot {
        x: Axis::round("x", 0.0, 10.0),
        y: Axis::round("y", -10.0, 10.0),
        height,
    }
}

#[test]
fn ticks_of_a_narrow_range_of_shares_differ() {
    let texts = |low, high| -> Vec<String> {
        let axis = Axis::share("", low, high);
        axis.ticks.into_iter().map(|tick| tick.1).collect()
    };
    assert_eq!(texts(0.97, 1.0), ["97 %", "98 %", "99 %", "100 %"]);
    assert_eq!(
        texts(0.99, 1.0),
        ["99.0 %", "99.2 %", "99.4 %", "99.6 %", "99.8 %", "100.0 %"]
    );
    assert_eq!(
        texts(0.9999, 1.0),
        [
            "99.990 %",
            "99.992 %",
            "99.994 %",
            "99.996 %",
            "99.998 %",
            "100.000 %"
        ]
    );
    assert_eq!(texts(-3.0, 7.0), texts(0.0, 1.0), "shares are from 0 to 1");
    assert_eq!(texts(f64::NAN, 1.0), texts(0.0, 1.0));
}

#[test]
fn bars_stand_on_zero_and_are_seen() {
    let plot = unit_plot(200.0);
    // 350 pixels for 10 units across, 200 for 20 upward from 28; a gap of a pixel on either side.
    assert_eq!(
        plot.bar((0.0, 1.0), 5.0, "a"),
        "<rect x=\"57\" y=\"78\" width=\"33\" height=\"50\" class=\"a\"/>\n"
    );
    assert_eq!(
        plot.bar((0.0, 1.0), -5.0, "a"),
        "<rect x=\"57\" y=\"128\" width=\"33\" height=\"50\" class=\"a\"/>\n"
    );
    let low = plot.bar((0.0, 1.0), 0.001, "a");
    assert!(
        low.contains("y=\"127\"") && low.contains("height=\"1\""),
        "{low}"
    );
    assert_eq!(plot.bar((0.0, 1.0), 0.0, "a"), "");
    assert_eq!(plot.bar((0.0, 1.0), f64::NAN, "a"), "");
    let thin = plot.bar((0.0, 0.1), 5.0, "a");
    assert!(
        thin.contains("width=\"3.5\""),
        "no gap in a thin bar: {thin}"
    );
}

#[test]
fn a_band_goes_out_above_and_back_below() {
    let points = [(0.0, -10.0, 10.0), (5.0, f64::NAN, 1.0), (10.0, 0.0, 10.0)];
    assert_eq!(
        unit_plot(100.0).band(&points, "b"),
        "<polygon points=\"56,28 406,28 406,78 56,128\" class=\"b\"/>\n"
    );
}

#[test]
fn equal_factors_are_equally_far_apart_on_a_logarithmic_axis() {
    let axis = Axis::logarithmic("", &[1, 10, 100, 1000]);
    let texts: Vec<&str> = axis.ticks.iter().map(|tick| tick.1.as_str()).collect();
    assert_eq!(texts, ["1", "10", "100", "1,000"]);
    let places = axis.ticks.iter().map(|tick| axis.part(tick.0));
    for (place, expected) in places.zip([0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0]) {
        assert!((place - expected).abs() < 1e-12, "{place}");
    }
    assert!(axis.part(0.0).is_finite(), "0 has no logarithm");
    assert_eq!(Axis::logarithmic("", &[]).part(1.0), 0.0);
}

#[test]
fn units_follow_the_ticks_and_signs_can_go() {
    let mut axis = Axis::round("", -4.0, 4.0).with_unit(" s");
    axis.unsigned();
    let texts: Vec<&str> = axis.ticks.iter().map(|tick| tick.1.as_str()).collect();
    assert_eq!(texts, ["4 s", "2 s", "0 s", "2 s", "4 s"]);
}

#[test]
fn a_dot_says_its_text_and_no_markup() {
    assert_eq!(
        unit_plot(100.0).dot(5.0, 0.0, 3.0, "d", "a<b"),
        "<circle cx=\"231\" cy=\"78\" r=\"3\" class=\"d\"><title>a&lt;b</title></circle>\n"
    );
}

#[test]
fn an_axis_with_given_ticks_has_a_width() {
    let axis = Axis::ticked("", 3.0, 3.0, Vec::new());
    assert_eq!((axis.part(3.0), axis.part(4.0)), (0.0, 1.0));
}

proptest::proptest! {
    #[test]
    fn a_round_axis_holds_its_range(low in -1e9f64..1e9, width in 1e-3f64..1e9) {
        let axis = Axis::round("", low, low + width);
        let slack = width * 1e-9 + low.abs() * 1e-9;
        proptest::prop_assert!(axis.low <= low + slack && low + width <= axis.high + slack);
        proptest::prop_assert!((3..=8).contains(&axis.ticks.len()), "{:?}", axis.ticks);
        let step = axis.ticks[1].0 - axis.ticks[0].0;
        let digit = step / 10f64.powf(step.log10().floor());
        let round = [1.0, 2.0, 5.0, 10.0].iter().any(|f| (digit - f).abs() < 1e-3);
        proptest::prop_assert!(round, "a step of {step}");
        let mut texts: Vec<&String> = axis.ticks.iter().map(|tick| &tick.1).collect();
        texts.dedup();
        // Beyond six decimals of the unit ticks may read alike.
        proptest::prop_assert!(texts.len() == axis.ticks.len() || step < low.abs() * 1e-6, "{texts:?}");
    }
}
