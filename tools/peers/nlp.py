"""What tools/bench-nlp runs beside easylife: one peer, from raw file to scored file, in one process.

usage: nlp.py PEER TRAIN.csv TEST.csv SCORED.csv

PEER is `sklearn`, `fasttext` or `vw`. Files have the columns text and label, two labels. Prints the
accuracy on TEST.
"""

import csv
import os
import re
import sys
import tempfile

WORD = re.compile(r"[^\W_]+")


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def sklearn(texts, labels, tests):
    """Word pairs, sublinear TF-IDF, logistic regression with C fixed."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, max_features=50_000)
    model = LogisticRegression(C=1.0).fit(vectorizer.fit_transform(texts), labels)
    return list(model.predict(vectorizer.transform(tests)))


def fasttext(texts, labels, tests):
    """Word pairs, 5 epochs, one thread; wants a file of one line a text."""
    import fasttext as peer
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "train.txt")
        with open(path, "w", encoding="utf-8") as out:
            for text, label in zip(texts, labels):
                out.write(f"__label__{label} {' '.join(WORD.findall(text.lower()))}\n")
        model = peer.train_supervised(path, wordNgrams=2, epoch=5, thread=1, verbose=0)
    lines = [" ".join(WORD.findall(text.lower())) for text in tests]
    return [found[0].removeprefix("__label__") for found in model.predict(lines)[0]]


def vw(texts, labels, tests):
    """Word pairs in 24 bits, logistic loss, 10 passes over a cache."""
    from vowpalwabbit import Workspace
    names = sorted(set(labels))
    line = "{} |t {}\n".format
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "train.vw")
        with open(path, "w", encoding="utf-8") as out:
            for text, label in zip(texts, labels):
                sign = 1 if label == names[1] else -1
                out.write(line(sign, " ".join(WORD.findall(text.lower()))))
        model = Workspace(f"--loss_function logistic --ngram t2 -b 24 --passes 10 --holdout_off -c -k "
                          f"--cache_file {folder}/cache -d {path} --quiet")
    scores = (model.predict(line("", " ".join(WORD.findall(text.lower())))) for text in tests)
    return [names[score > 0] for score in scores]


def main():
    if len(sys.argv) != 5 or sys.argv[1] not in ("sklearn", "fasttext", "vw"):
        raise SystemExit(__doc__)
    peer, train, test, scored = sys.argv[1:]
    texts, labels = read(train)
    tests, actual = read(test)
    predicted = globals()[peer](texts, labels, tests)
    with open(scored, "w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(["text", "label", "prediction"])
        rows.writerows(zip(tests, actual, predicted))
    right = sum(a == b for a, b in zip(actual, predicted))
    print(f"{right / len(actual):.4f}")


main()
