//! How the answers of two models to one request differ: by row, in texts and in numbers.

use crate::model::InferResponse;
use crate::tensor::{Data, Tensor};

/// What a row's answers have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RowDifference {
    /// Every bit.
    None,
    /// All texts; the largest difference of two numbers, relative to the larger one or to 1.
    Numbers(f64),
    /// Not even all texts, or not the same shape.
    Texts,
}

/// The row differences of two answers. Rows are counted along the first dimension of the first output.
pub fn rows(ours: &InferResponse, theirs: &InferResponse) -> Vec<RowDifference> {
    let count = |response: &InferResponse| {
        let first = response.outputs.first();
        first.and_then(|output| output.shape.first().copied())
    };
    let (Some(rows), Some(others)) = (count(ours), count(theirs)) else {
        return Vec::new();
    };
    let mut found = vec![RowDifference::None; rows.max(others)];
    for place in &mut found[rows.min(others)..] {
        *place = RowDifference::Texts;
    }
    let is_matched = |name: &str, others: &InferResponse| {
        others.outputs.iter().any(|tensor| tensor.name == name)
    };
    let same_names = ours
        .outputs
        .iter()
        .all(|tensor| is_matched(&tensor.name, theirs))
        && theirs
            .outputs
            .iter()
            .all(|tensor| is_matched(&tensor.name, ours));
    if !same_names {
        found.fill(RowDifference::Texts);
        return found;
    }
    for tensor in &ours.outputs {
        let other = theirs
            .outputs
            .iter()
            .find(|other| other.name == tensor.name);
        if let Some(other) = other {
            compare(tensor, other, &mut found[..rows.min(others)]);
        }
    }
    found
}

/// Adds the differences of two outputs of one name to those of their rows.
fn compare(ours: &Tensor, theirs: &Tensor, rows: &mut [RowDifference]) {
    let width = |tensor: &Tensor| tensor.shape.iter().skip(1).product::<usize>();
    let (width, other) = (width(ours), width(theirs));
    if width != other || ours.data.datatype() != theirs.data.datatype() {
        rows.fill(RowDifference::Texts);
        return;
    }
    for (row, found) in rows.iter_mut().enumerate() {
        for cell in row * width..(row + 1) * width {
            let next = cell_difference(&ours.data, &theirs.data, cell);
            *found = larger(*found, next);
        }
    }
}

fn larger(a: RowDifference, b: RowDifference) -> RowDifference {
    match (a, b) {
        (RowDifference::Texts, _) | (_, RowDifference::Texts) => RowDifference::Texts,
        (RowDifference::Numbers(a), RowDifference::Numbers(b)) => RowDifference::Numbers(a.max(b)),
        (RowDifference::None, other) | (other, RowDifference::None) => other,
    }
}

fn cell_difference(ours: &Data, theirs: &Data, cell: usize) -> RowDifference {
    match (ours, theirs) {
        (Data::Fp64(a), Data::Fp64(b)) => numbers(a.get(cell).copied(), b.get(cell).copied()),
        (Data::Fp32(a), Data::Fp32(b)) => {
            let wide = |values: &[f32]| values.get(cell).map(|value| f64::from(*value));
            numbers(wide(a), wide(b))
        }
        (Data::Bytes(a), Data::Bytes(b)) => texts(a.get(cell) == b.get(cell)),
        // Classes and flags: another number is another answer.
        (Data::Int64(a), Data::Int64(b)) => texts(a.get(cell) == b.get(cell)),
        (Data::Int32(a), Data::Int32(b)) => texts(a.get(cell) == b.get(cell)),
        (Data::Bool(a), Data::Bool(b)) => texts(a.get(cell) == b.get(cell)),
        _ => RowDifference::Texts,
    }
}

fn texts(are_equal: bool) -> RowDifference {
    match are_equal {
        true => RowDifference::None,
        false => RowDifference::Texts,
    }
}

fn numbers(a: Option<f64>, b: Option<f64>) -> RowDifference {
    let (Some(a), Some(b)) = (a, b) else {
        return texts(a.is_none() && b.is_none());
    };
    // NaN has many bit patterns and one meaning.
    if a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()) {
        return RowDifference::None;
    }
    let difference = (a - b).abs() / a.abs().max(b.abs()).max(1.0);
    // A number beside none is as different as can be.
    RowDifference::Numbers(if difference.is_nan() {
        f64::INFINITY
    } else {
        difference
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(labels: &[&str], probabilities: &[f64]) -> InferResponse {
        let labels = labels.iter().collect();
        InferResponse {
            outputs: vec![
                Tensor::column("prediction", Data::Bytes(labels)),
                Tensor::column("probability", Data::Fp64(probabilities.to_vec())),
            ],
        }
    }

    #[test]
    fn rows_differ_by_text_before_number() {
        let ours = answer(&["a", "a", "a"], &[0.5, 0.5, 0.5]);
        let theirs = answer(&["a", "a", "b"], &[0.5, 0.75, 0.5]);
        assert_eq!(
            rows(&ours, &theirs),
            [
                RowDifference::None,
                RowDifference::Numbers(0.25),
                RowDifference::Texts
            ]
        );
    }

    #[test]
    fn numbers_above_one_differ_by_their_share() {
        assert_eq!(
            numbers(Some(200.0), Some(100.0)),
            RowDifference::Numbers(0.5)
        );
        assert_eq!(numbers(Some(f64::NAN), Some(f64::NAN)), RowDifference::None);
        let far = numbers(Some(f64::NAN), Some(0.0));
        assert_eq!(far, RowDifference::Numbers(f64::INFINITY));
        // Equal as numbers, not as bits.
        assert_eq!(numbers(Some(0.0), Some(-0.0)), RowDifference::Numbers(0.0));
    }

    #[test]
    fn other_shapes_and_names_differ() {
        let ours = answer(&["a", "a"], &[0.5, 0.5]);
        let longer = answer(&["a", "a", "a"], &[0.5, 0.5, 0.5]);
        assert_eq!(
            rows(&ours, &longer),
            [
                RowDifference::None,
                RowDifference::None,
                RowDifference::Texts
            ]
        );
        let mut named = answer(&["a", "a"], &[0.5, 0.5]);
        named.outputs[1].name = "score".to_owned();
        assert_eq!(rows(&ours, &named), [RowDifference::Texts; 2]);
    }
}
