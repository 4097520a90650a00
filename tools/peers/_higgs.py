"""The million-row table of tools/peers/tabular.py: from a seed, in the shape of HIGGS. In the peers' Python.

Sixteen features as a detector would measure them (a lepton, missing energy, four jets, a tag), seven masses derived
from them, five columns of noise. The label is drawn from a logistic of bumps and thresholds of the masses, so that
trees find most of it, and the AUC of the true probabilities, which nobody can beat, is about .765.

usage: _higgs.py FOLDER ROWS SEED

Writes into FOLDER, for `train` and `test` (four fifths and one fifth of the rows):
  PART.f32        the features as 32-bit floats, column by column, and
  PART-target.f32 the labels, for those who train in memory;
  PART.csv        the same with a header, labels `yes` and `no`, for those who start from a file.
Prints JSON: the AUC and the log loss of the true probabilities on the test part.
"""

import json
import pathlib
import sys

import numpy as np

RAW = ["lepton_pt", "lepton_eta", "lepton_phi", "missing_energy", "missing_phi", "jet1_pt", "jet1_eta", "jet1_phi",
       "jet2_pt", "jet2_eta", "jet2_phi", "jet3_pt", "jet3_eta", "jet4_pt", "jet4_eta", "tag"]
MASSES = ["m_jj", "m_jjj", "m_lv", "m_jlv", "m_bb", "m_wbb", "m_wwbb"]
COLUMNS = [*RAW, *MASSES, *(f"noise{number}" for number in range(1, 6))]
# Multiplies the log odds; by it the AUC of the true probabilities is .765.
SCALE = 1.082


def pair(a, b):
    """Invariant mass of two massless particles, each (pt, eta, phi)."""
    square = 2 * a[0] * b[0] * (np.cosh(a[1] - b[1]) - np.cos(a[2] - b[2]))
    return np.sqrt(np.maximum(square, 0))


def table(rows, seed):
    """-> features (rows x 28, float32), log odds of the label."""
    draw = np.random.default_rng(seed)
    particle = lambda scale, spread: (scale * draw.gamma(2.2, 0.5, rows), spread * draw.standard_normal(rows),
                                      draw.uniform(-np.pi, np.pi, rows))
    lepton, missing = particle(45, 1.0), particle(50, 0.0)
    jets = [particle(scale, 1.1) for scale in (85, 65, 50, 40)]
    tag = draw.choice([0.0, 1.0, 2.0], rows, p=[0.4, 0.35, 0.25])
    m_jj, m_bb = pair(jets[0], jets[1]), pair(jets[2], jets[3])
    m_lv = pair(lepton, missing)
    m_jjj = np.sqrt(m_jj**2 + pair(jets[0], jets[2])**2 + pair(jets[1], jets[2])**2)
    m_jlv = np.sqrt(m_lv**2 + pair(jets[0], lepton)**2)
    m_wbb = np.sqrt(m_bb**2 + m_lv**2 + pair(jets[2], lepton)**2)
    m_wwbb = np.sqrt(m_wbb**2 + m_jj**2 + pair(jets[0], jets[2])**2)
    bump = lambda mass, at, width: np.exp(-(((mass - at) / width) ** 2))
    odds = (2.2 * bump(m_bb, 60, 30) + 1.2 * bump(m_jj, 85, 30) * (tag > 0) - 0.9 * bump(m_lv, 40, 20)
            + 0.9 * np.tanh((m_wwbb - 260) / 80) - 0.7 * np.tanh((m_jlv - 120) / 50)
            + 0.5 * (tag == 2) * (jets[0][0] > 90) + 0.8 * np.sin(m_wbb / 30) * (missing[0] > 45)
            + 0.4 * np.cos(lepton[2] - missing[2]) - 0.3 * np.abs(lepton[1]) - 0.5)
    raw = [*lepton, missing[0], missing[2], *jets[0], *jets[1], *jets[2][:2], *jets[3][:2], tag]
    columns = [*raw, m_jj, m_jjj, m_lv, m_jlv, m_bb, m_wbb, m_wwbb, *draw.standard_normal((5, rows))]
    return np.column_stack(columns).astype(np.float32), SCALE * (odds - odds.mean())


def make(folder, rows, seed):
    import polars as pl
    from _tables import quality
    folder, rows, seed = pathlib.Path(folder), int(rows), int(seed)
    x, odds = table(rows, seed)
    chance = 1 / (1 + np.exp(-odds))
    y = np.random.default_rng([seed, 1]).random(rows) < chance
    cut = rows * 4 // 5
    for part, chosen in (("train", slice(0, cut)), ("test", slice(cut, rows))):
        np.asfortranarray(x[chosen]).ravel(order="F").tofile(folder / f"{part}.f32")
        y[chosen].astype(np.float32).tofile(folder / f"{part}-target.f32")
        frame = pl.DataFrame(x[chosen], schema=COLUMNS, orient="row")
        label = pl.Series("label", np.where(y[chosen], "yes", "no"))
        frame.with_columns(label).write_csv(folder / f"{part}.csv")
    return quality(y[cut:], chance[cut:])


if __name__ == "__main__":
    print(json.dumps(make(*sys.argv[1:])))
