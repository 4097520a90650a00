//! Numbers as 8-bit codes times a step: a quarter of the size, with hardly any loss of accuracy.
//!
//! A rounded value is exactly `code × step` in `f32`, so rounding, saving and loading preserve
//! every bit.

/// How weights are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floating point.
    #[default]
    Single,
    /// 8-bit integers times a step.
    Eight,
}

/// Rounds weights (features × outputs) to multiples of one step per output, at most 127 in either
/// direction, and returns the steps.
pub fn round_weights(weights: &mut [f32], outputs: usize) -> Vec<f32> {
    let mut steps = vec![0.0_f32; outputs];
    for row in weights.chunks_exact(outputs) {
        for (step, weight) in steps.iter_mut().zip(row) {
            *step = step.max(weight.abs() / 127.0);
        }
    }
    for row in weights.chunks_exact_mut(outputs) {
        for (weight, &step) in row.iter_mut().zip(&steps) {
            *weight = f32::from(code(*weight, step)) * step;
        }
    }
    steps
}

/// The codes of rounded weights.
pub fn weight_codes(weights: &[f32], steps: &[f32]) -> Vec<i8> {
    let rows = weights.chunks_exact(steps.len());
    rows.flat_map(|row| {
        row.iter()
            .zip(steps)
            .map(|(&weight, &step)| code(weight, step))
    })
    .collect()
}

/// The weights for these codes.
pub fn weights(codes: &[i8], steps: &[f32]) -> Vec<f32> {
    let rows = codes.chunks_exact(steps.len());
    rows.flat_map(|row| {
        row.iter()
            .zip(steps)
            .map(|(&code, &step)| f32::from(code) * step)
    })
    .collect()
}

fn code(weight: f32, step: f32) -> i8 {
    if step > 0.0 {
        (weight / step).round().clamp(-127.0, 127.0) as i8
    } else {
        0
    }
}

/// Rounds idf values, which are 1 or more, to 1 plus a multiple of at most 255 of a step, and
/// returns the step.
pub fn round_idf(idf: &mut [f32]) -> f32 {
    let step = idf.iter().fold(0.0_f32, |most, idf| most.max(idf - 1.0)) / 255.0;
    let rounded = self::idf(&idf_codes(idf, step), step);
    idf.copy_from_slice(&rounded);
    step
}

/// The codes of rounded idf.
pub fn idf_codes(idf: &[f32], step: f32) -> Vec<u8> {
    let code = |idf: &f32| {
        if step > 0.0 {
            ((idf - 1.0) / step).round() as u8
        } else {
            0
        }
    };
    idf.iter().map(code).collect()
}

/// The idf values for these codes.
pub fn idf(codes: &[u8], step: f32) -> Vec<f32> {
    codes
        .iter()
        .map(|&code| 1.0 + f32::from(code) * step)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn by_hand() {
        let mut weights = [1.27, 5.0, -0.634, -10.0, 0.0, 0.0];
        let steps = round_weights(&mut weights, 2);
        assert_eq!(weight_codes(&weights, &steps), [127, 64, -63, -127, 0, 0]);
        let mut idf = [1.0, 3.55, 2.0];
        let step = round_idf(&mut idf);
        assert_eq!(idf_codes(&idf, step), [0, 255, 100]);
    }

    proptest! {
        #[test]
        fn what_is_rounded_stays(values in prop::collection::vec(-9.0_f32..9.0, 2..40)) {
            let mut rounded = values[..values.len() / 2 * 2].to_vec();
            let steps = round_weights(&mut rounded, 2);
            prop_assert_eq!(&weights(&weight_codes(&rounded, &steps), &steps), &rounded);
            for (row, values) in rounded.chunks(2).zip(values.chunks(2)) {
                for ((rounded, value), step) in row.iter().zip(values).zip(&steps) {
                    prop_assert!((rounded - value).abs() <= 0.51 * step);
                }
            }
            let mut rounded: Vec<f32> = values.iter().map(|value| 1.0 + value.abs()).collect();
            let step = round_idf(&mut rounded);
            prop_assert_eq!(idf(&idf_codes(&rounded, step), step), rounded);
        }
    }
}
