"""What tools/peers/quality.py runs in the peers' virtual environment: test data with known answers, and the peers.

usage: _quality.py probabilities NAME CSV FOLDER   out-of-fold probabilities of a text set with errors planted
       _quality.py cleanlab FOLDER METHOD          its errors as JSON; `scores`: its rankings' average precision
       _quality.py precision FOLDER FILE           average precision of `row quality` lines
       _quality.py texts COUNT OUT CSV...          texts, near-copies among them; the pairs go to OUT.pairs
       _quality.py datasketch FILE                 near-duplicates, as pairs of lines
       _quality.py personal COUNT SEED OUT         texts with personal data; the spans go to OUT.json
"""

import csv
import json
import pathlib
import random
import re
import sys


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def probabilities(_, path, folder, seed=1, share=0.05):
    """5 % of the labels moved to another class, uniformly; 5 folds of tf-idf and logistic regression."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    rows = rows_of(path)
    classes = sorted({row["label"] for row in rows})
    truth = np.array([classes.index(row["label"]) for row in rows])
    draw = np.random.default_rng(seed)
    given = truth.copy()
    for row in draw.choice(len(rows), int(round(share * len(rows))), replace=False):
        given[row] = (truth[row] + 1 + draw.integers(len(classes) - 1)) % len(classes)
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=10, max_iter=300))
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    found = cross_val_predict(model, [row["text"] for row in rows], given, cv=folds, method="predict_proba")
    folder = pathlib.Path(folder)
    found.astype("<f8").tofile(folder / "probabilities.f64")
    given.astype("<u4").tofile(folder / "given.u32")
    truth.astype("<u4").tofile(folder / "truth.u32")


def read(folder):
    import numpy as np
    folder = pathlib.Path(folder)
    given, truth = (np.fromfile(folder / name, "<u4").astype(int) for name in ("given.u32", "truth.u32"))
    return np.fromfile(folder / "probabilities.f64", "<f8").reshape(len(given), -1), given, truth


def cleanlab(folder, method):
    p, given, truth = read(folder)
    if method != "scores":
        from cleanlab.filter import find_label_issues
        found = find_label_issues(given, p, return_indices_ranked_by=method)
        print(json.dumps([int(row) for row in found]))
        return
    from cleanlab.rank import get_label_quality_scores
    from sklearn.metrics import average_precision_score
    result = {}
    for method in ("self_confidence", "normalized_margin", "confidence_weighted_entropy"):
        for adjusted in (False, True):
            if not (adjusted and method == "confidence_weighted_entropy"):
                scores = get_label_quality_scores(given, p, method=method, adjust_pred_probs=adjusted)
                name = method + (", adjusted" if adjusted else "")
                result[name] = average_precision_score(given != truth, -scores)
    print(json.dumps(result))


def precision(folder, path):
    import numpy as np
    from sklearn.metrics import average_precision_score
    _, given, truth = read(folder)
    lines = np.loadtxt(path)
    scores = np.zeros(len(given))
    scores[lines[:, 0].astype(int)] = lines[:, 1]
    print(average_precision_score(given != truth, -scores))


def tokens(text):
    return re.sub(r"[^a-z0-9]+", " ", text.lower().replace("'", "")).split()


def jaccard(a, b):
    return len(a & b) / max(1, len(a | b))


def edited(words, share, vocabulary, draw):
    """A share of the words changed, left out or followed by another; case and punctuation at times."""
    words = list(words)
    for i in draw.sample(range(len(words)), max(1, round(share * len(words)))):
        kind = draw.random()
        if kind < 0.6:
            words[i] = draw.choice(vocabulary)
        elif kind < 0.8:
            words[i] = ""
        else:
            words[i] += " " + draw.choice(vocabulary)
    kind = draw.random()
    text = " ".join(" ".join(words).split())
    return text.upper() if kind < 0.2 else text + "!!" if kind < 0.4 else text.replace(" ", ",  ", 2) if kind < 0.5 else text


def texts(count, out, *paths):
    """Texts of 20 words or more with the short words (three letters) of real ones where they stand and
    words drawn by their frequency elsewhere. One in twenty is a copy with 1 to 20 % of its words edited."""
    count, draw = int(count), random.Random(5)
    bases = [words for path in paths for row in rows_of(path) if len(words := row["text"].split()) >= 20]
    vocabulary = [word for base in bases for word in base]

    def fresh():
        base = draw.choice(bases)
        return [old if len(old) <= 3 else new for old, new in zip(base, draw.choices(vocabulary, k=len(base)))]

    copies = count // 20
    originals = [" ".join(fresh()) for _ in range(count - copies)]
    made = [(text, i, None) for i, text in enumerate(originals)]
    for i in draw.sample(range(len(originals)), copies):
        share = draw.uniform(0.01, 0.2)
        copy = edited(originals[i].split(), share, vocabulary, draw)
        made.append((copy, i, jaccard(set(tokens(originals[i])), set(tokens(copy)))))
    draw.shuffle(made)
    place = {i: line for line, (_, i, similarity) in enumerate(made) if similarity is None}
    with open(out, "w", encoding="utf-8") as file, open(f"{out}.pairs", "w", encoding="ascii") as pairs:
        for line, (text, i, similarity) in enumerate(made):
            file.write(text + "\n")
            if similarity is not None:
                pairs.write(f"{place[i]} {line} {similarity:.6f}\n")


def datasketch(path):
    """MinHashLSH at its defaults (128 permutations) and threshold .8, candidates verified exactly."""
    from datasketch import MinHash, MinHashLSH
    index, sets = MinHashLSH(threshold=0.8, num_perm=128), []
    with open(path, encoding="utf-8") as file:
        for line, text in enumerate(file):
            words = set(tokens(text))
            sketch = MinHash(num_perm=128)
            sketch.update_batch([word.encode() for word in words])
            for other in index.query(sketch):
                if (similarity := jaccard(sets[other], words)) >= 0.8:
                    print(other, line, similarity)
            index.insert(line, sketch)
            sets.append(words)


def personal(count, seed, out):
    from peers import _personal
    _personal.write(int(count), int(seed), out)


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
    {f.__name__: f for f in (probabilities, cleanlab, precision, texts, datasketch, personal)}[sys.argv[1]](*sys.argv[2:])
