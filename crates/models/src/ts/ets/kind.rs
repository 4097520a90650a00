//! The members of the ETS family, by error, trend and season.

/// The season component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// No season.
    None,
    /// Added to level and slope.
    Additive,
    /// Multiplied with level and slope.
    Multiplicative,
}

/// The trend component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// No slope.
    None,
    /// Level plus slope.
    Additive,
    /// A slope that shrinks by φ at each step.
    Damped,
}

/// A member of the family, such as ETS(M,Ad,M).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Whether errors are multiplicative.
    pub relative: bool,
    /// The trend component.
    pub trend: Trend,
    /// The season component.
    pub season: Part,
    /// Steps of a season; 1 if there is none.
    pub period: usize,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let error = if self.relative { "M" } else { "A" };
        let trend = match self.trend {
            Trend::None => "N",
            Trend::Additive => "A",
            Trend::Damped => "Ad",
        };
        let season = match self.season {
            Part::None => "N",
            Part::Additive => "A",
            Part::Multiplicative => "M",
        };
        write!(f, "ETS({error},{trend},{season})")
    }
}

impl Kind {
    pub(super) fn trended(&self) -> bool {
        self.trend != Trend::None
    }

    pub(super) fn seasons(&self) -> usize {
        if self.season == Part::None {
            0
        } else {
            self.period
        }
    }

    /// Number of smoothing parameters among α, β, γ and φ.
    pub fn smoothing(&self) -> usize {
        1 + usize::from(self.trended())
            + usize::from(self.season != Part::None)
            + usize::from(self.trend == Trend::Damped)
    }

    /// Number of estimated parameters without the variance: smoothing parameters and initial
    /// states, of which the last season follows from the others.
    pub fn parameters(&self) -> usize {
        self.smoothing() + 1 + usize::from(self.trended()) + self.seasons().saturating_sub(1)
    }
}
