//! The sizes of the photos that a model was trained on, and whether it may judge one of another size.

use std::fmt;

use super::scores::{WORKING_SIDE, halvings};

/// A photo may be this much smaller than the smallest of the training photos.
const SMALLER: f64 = 0.8;
/// And this much larger than the largest: a halving more or less.
const LARGER: f64 = 2.0;

/// Longer sides of the training photos at their working size, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sizes {
    /// The shortest of them.
    pub smallest: u32,
    /// The longest of them.
    pub largest: u32,
}

/// A photo of a size that a model has not learned about. Its answer may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfamiliar {
    /// The longer side of the photo at its working size.
    pub side: u32,
    /// Those of the training photos.
    pub trained: Sizes,
}

/// The longer side, at its working size, of a photo of `width` × `height` pixels.
pub(super) fn working_side(width: usize, height: usize) -> u32 {
    (width.max(height) >> halvings(width, height)) as u32
}

impl Sizes {
    /// The sizes of photos, given as width and height in pixels; `None` of none.
    pub fn of(photos: impl IntoIterator<Item = (usize, usize)>) -> Option<Sizes> {
        let sides = photos.into_iter().map(|(w, h)| working_side(w, h));
        sides.fold(None, |sizes, side| {
            let Sizes { smallest, largest } = sizes.unwrap_or(Sizes {
                smallest: side,
                largest: side,
            });
            Some(Sizes {
                smallest: smallest.min(side),
                largest: largest.max(side),
            })
        })
    }

    /// Whether a photo of `width` × `height` pixels is much smaller or larger than these. Where
    /// photos of [`WORKING_SIDE`] are familiar, none is too large.
    ///
    /// Much smaller is below 0.8 of the smallest, much larger above twice the largest, both at the working
    /// size.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::cv::Sizes;
    ///
    /// let trained = Sizes::of([(640, 480), (4000, 3000)]).unwrap(); // judged at 640 and 500
    /// assert_eq!((trained.smallest, trained.largest), (500, 640));
    /// assert!(trained.unfamiliar(800, 600).is_none());
    /// let small = trained.unfamiliar(320, 200).unwrap();
    /// assert_eq!(
    ///     small.to_string(),
    ///     "judged at 320 pixels, but the model was trained on photos of 500 to 640"
    /// );
    /// ```
    pub fn unfamiliar(self, width: usize, height: usize) -> Option<Unfamiliar> {
        let side = working_side(width, height);
        let small = f64::from(side) < SMALLER * f64::from(self.smallest);
        let large = f64::from(side) > LARGER * f64::from(self.largest);
        (small || large).then_some(Unfamiliar {
            side,
            trained: self,
        })
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} to {} pixels", self.smallest, self.largest)?;
        if f64::from(self.largest) * LARGER >= WORKING_SIDE as f64 {
            f.write_str(" (larger photos are judged at such a size)")?;
        }
        Ok(())
    }
}

impl fmt::Display for Unfamiliar {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Sizes { smallest, largest } = self.trained;
        write!(
            f,
            "judged at {} pixels, but the model was trained on photos of {smallest} to {largest}",
            self.side
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_at_which_photos_are_judged() {
        let sizes = Sizes::of([(640, 480), (3000, 4000), (320, 240)]);
        let known = Sizes {
            smallest: 320,
            largest: 640,
        };
        assert_eq!(sizes, Some(known));
        assert_eq!(Sizes::of([]), None);
    }

    #[test]
    fn much_smaller_and_much_larger_photos_are_unfamiliar() {
        let sizes = |smallest, largest| Sizes { smallest, largest };
        let wide = sizes(320, 800);
        for (width, height) in [(256, 200), (300, 200), (6000, 4000), (100, 800)] {
            assert_eq!(wide.unfamiliar(width, height), None, "{width} x {height}");
        }
        let small = wide.unfamiliar(255, 200).unwrap().to_string();
        let expected = "judged at 255 pixels, but the model was trained on photos of 320 to 800";
        assert_eq!(small, expected);
        assert!(sizes(200, 300).unfamiliar(640, 480).is_some());
        assert!(sizes(200, 300).unfamiliar(480, 640).is_some());
        assert!(sizes(200, 400).unfamiliar(6000, 4000).is_none());
    }
}
