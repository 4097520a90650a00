"""scikit-learn, fastText and Vowpal Wabbit: their search, and their answers. In the peers' own Python.

_nlp.py choose TRAIN PEER FOLDS           the settings of PEER that are most accurate on rows held out of TRAIN
_nlp.py score TRAIN TEST SCORED PEER SETTINGS   from raw files to a scored file; prints the accuracy
_nlp.py folds FILE FOLDER                 ten stratified folds of a file, as FOLDER/N-train.csv and N-test.csv

Rows held out are those of the first FOLDS of five stratified folds of the training part (easylife's search has
five, too, and fewer of a large corpus). Files have the columns text and label.
"""

import csv
import json
import os
import re
import sys
import tempfile

from _search import search

WORD = re.compile(r"[^\W_]+")
C = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
# Values in order, and the settings whose product is tried first, with the others at their first value.
SEARCHED = {
    "sklearn": ({"C": C, "ngrams": ([1, 1], [1, 2], [1, 3])}, ("C", "ngrams")),
    # The features of easylife's row beside it, for the cost of the same work.
    "sklearn-same": ({"C": C}, ("C",)),
    # The product at few epochs: those with word pairs take 20 s each on the corpus.
    "fasttext": ({"epoch": (5, 10, 25, 50), "lr": (0.1, 0.3, 1.0, 3.0), "ngrams": (2, 1)}, ("lr", "ngrams")),
    "vw": ({"passes": (3, 10, 30), "ngrams": (2, 1), "l2": (0.0, 1e-8, 1e-7, 1e-6, 1e-5),
            "learning_rate": (0.1, 0.5, 2.0)}, ("l2", "learning_rate")),
}


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def write(path, names, rows):
    with open(path, "w", encoding="utf-8", newline="") as out:
        written = csv.writer(out, lineterminator="\n")
        written.writerow(names)
        written.writerows(rows)


def tokens(text):
    return " ".join(WORD.findall(text.lower()))


# --- peers: training texts, their labels and texts to label; they answer with labels ---------------


def sklearn(texts, labels, tests, ngrams=(1, 2), C=1.0, **features):
    """Sublinear TF-IDF of word n-grams, logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    vectorizer = TfidfVectorizer(ngram_range=tuple(ngrams), sublinear_tf=True, **features)
    model = LogisticRegression(C=C, max_iter=1000).fit(vectorizer.fit_transform(texts), labels)
    return list(model.predict(vectorizer.transform(tests)))


def sklearn_same(texts, labels, tests, C=1.0):
    return sklearn(texts, labels, tests, C=C, min_df=2, max_features=50_000)


def fasttext(texts, labels, tests, ngrams, lr, epoch):
    """One thread; wants a file of one line a text."""
    import fasttext as peer
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "train.txt")
        with open(path, "w", encoding="utf-8") as out:
            out.writelines(f"__label__{label} {tokens(text)}\n" for text, label in zip(texts, labels))
        model = peer.train_supervised(path, wordNgrams=ngrams, lr=lr, epoch=epoch, thread=1, verbose=0)
    # The binding's own `predict` fails under numpy 2; what it wraps does not.
    found = (model.f.predict(tokens(text) + "\n", 1, 0.0, "strict") for text in tests)
    return [best[0][1].removeprefix("__label__") for best in found]


def vw(texts, labels, tests, ngrams, l2, learning_rate, passes):
    """Logistic loss, features in 24 bits, passes over a cache; two classes."""
    from vowpalwabbit import Workspace
    names = sorted(set(labels))
    line = "{} |t {}\n".format
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "train.vw")
        with open(path, "w", encoding="utf-8") as out:
            out.writelines(line(1 if label == names[1] else -1, tokens(text)) for text, label in zip(texts, labels))
        pairs = f"--ngram t{ngrams}" if ngrams > 1 else ""
        model = Workspace(f"--loss_function logistic {pairs} -b 24 --passes {passes} --l2 {l2} -l {learning_rate} "
                          f"--holdout_off -c -k --cache_file {folder}/cache -d {path} --quiet")
    scores = (model.predict(line("", tokens(text))) for text in tests)
    return [names[score > 0] for score in scores]


PEERS = {"sklearn": sklearn, "sklearn-same": sklearn_same, "fasttext": fasttext, "vw": vw}


def accuracy(actual, predicted):
    return sum(a == b for a, b in zip(actual, predicted)) / len(actual)


# --- jobs -------------------------------------------------------------------------------------------


def choose(train, name, count):
    from sklearn.model_selection import StratifiedKFold
    texts, labels = read(train)
    parts = list(StratifiedKFold(5, shuffle=True, random_state=0).split(texts, labels))[: int(count)]
    pick = lambda values, rows: [values[row] for row in rows]

    def measure(settings):
        found = [accuracy(pick(labels, out), PEERS[name](pick(texts, kept), pick(labels, kept), pick(texts, out),
                                                         **settings)) for kept, out in parts]
        return sum(found) / len(found)

    return json.dumps(search(*SEARCHED[name], measure))


def score(train, test, scored, name, settings):
    texts, labels = read(train)
    tests, actual = read(test)
    predicted = PEERS[name](texts, labels, tests, **json.loads(settings))
    write(scored, ["text", "label", "prediction"], zip(tests, actual, predicted))
    return accuracy(actual, predicted)


def folds(path, folder):
    from sklearn.model_selection import StratifiedKFold
    texts, labels = read(path)
    parts = StratifiedKFold(10, shuffle=True, random_state=0).split(texts, labels)
    for number, sides in enumerate(parts):
        for side, rows in zip(("train", "test"), sides):
            write(f"{folder}/{number}-{side}.csv", ["text", "label"],
                  ((texts[row], labels[row]) for row in rows))
    return ""


if __name__ == "__main__":
    job, *words = sys.argv[1:]
    print({"choose": choose, "score": score, "folds": folds}[job](*words))
