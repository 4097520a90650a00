"""Text classification: easylife beside scikit-learn, fastText and Vowpal Wabbit, for tools/bench-peers.

Cost is measured on the corpus of tools/zipf-corpus. A row is all that leads from the raw files to a
scored file, in whole processes of one thread, imports included: for easylife `prepare`, `train` and
`predict`. Accuracy is measured on `../shared/data/nlp`; nothing is chosen on a test part.

Run by the peers' Python, this file is the peer: nlp.py sklearn|fasttext|vw TRAIN TEST SCORED, or
nlp.py folds FILE FOLDER. Files have the columns text and label.
"""

import csv
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

WORD = re.compile(r"[^\W_]+")
# The features and C of scikit-learn's row, without what easylife would add by itself.
FIXED = ["features.ngrams=[1, 2]", "features.min_df=2", "features.max_features=50000",
         "features.negation=false", "features.characters=null", "model.weighting=plain",
         "model.C=1.0", "model.calibrate=false"]
LESS = {"sklearn": 20, "vw": 8, "fasttext": 8}
NAMES = {"sklearn": "scikit-learn", "vw": "Vowpal Wabbit", "fasttext": "fastText"}


# --- in the peers' own Python ---------------------------------------------------------------------


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def write(path, names, rows):
    with open(path, "w", encoding="utf-8", newline="") as out:
        written = csv.writer(out, lineterminator="\n")
        written.writerow(names)
        written.writerows(rows)


def sklearn(texts, labels, tests, c=1.0, **features):
    """Word pairs, sublinear TF-IDF, logistic regression with C fixed."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, **features)
    model = LogisticRegression(C=c, max_iter=1000).fit(vectorizer.fit_transform(texts), labels)
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
    # The binding's own `predict` fails under numpy 2; what it wraps does not.
    found = (model.f.predict(" ".join(WORD.findall(text.lower())) + "\n", 1, 0.0, "strict")
             for text in tests)
    return [best[0][1].removeprefix("__label__") for best in found]


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


def peer(name, train, test, scored):
    texts, labels = read(train)
    tests, actual = read(test)
    features = {"min_df": 2, "max_features": 50_000} if name == "sklearn" else {}
    if name == "sklearn-all":
        name, features = "sklearn", {"c": 10.0}
    predicted = globals()[name](texts, labels, tests, **features)
    write(scored, ["text", "label", "prediction"], zip(tests, actual, predicted))
    print(sum(a == b for a, b in zip(actual, predicted)) / len(actual))


def folds(path, folder):
    """Ten stratified folds of a file, each as FOLDER/N-train.csv and FOLDER/N-test.csv."""
    from sklearn.model_selection import StratifiedKFold
    texts, labels = read(path)
    parts = StratifiedKFold(10, shuffle=True, random_state=0).split(texts, labels)
    for number, sides in enumerate(parts):
        for side, rows in zip(("train", "test"), sides):
            write(f"{folder}/{number}-{side}.csv", ["text", "label"],
                  ((texts[row], labels[row]) for row in rows))


# --- in bench-peers' ------------------------------------------------------------------------------


class Project:
    """An easylife project whose verbs run on given files."""

    def __init__(self, bench, measuring, train, test, sets=(), threads=1):
        self.bench, self.measuring, self.test = bench, measuring, test
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=bench.folder))
        self.threads = {"EASYLIFE_THREADS": str(threads)}
        measuring.measure([bench.binary, "init", "-q"], cwd=self.folder)
        self.sets = [f"-Snlp.data.source={train}", f"-Snlp.data.test={test}",
                     *(f"-Snlp.{one}" for one in sets)]

    def run(self, *words):
        return self.measuring.measure([self.bench.binary, *words], cwd=self.folder, env=self.threads)

    def scored(self):
        """`prepare`, `train`, `predict`: their runs."""
        return [self.run("prepare", "nlp", *self.sets), self.run("train", "nlp", *self.sets),
                self.run("predict", "nlp", "-i", self.test, "-o", "scored.csv")]

    def accuracy(self):
        """On the test file, with its interval, by `evaluate`; and the CPU seconds of `train`."""
        self.run("prepare", "nlp", *self.sets)
        train = self.run("train", "nlp", *self.sets)
        self.run("evaluate", "nlp", *self.sets)
        return json.loads((self.folder / "metrics/nlp.json").read_text()), train.cpu

    def size(self):
        return (self.folder / "models/nlp.safetensors").stat().st_size / 1e6


def together(runs):
    return runs[0]._replace(cpu=sum(run.cpu for run in runs), wall=sum(run.wall for run in runs),
                            memory=max(run.memory for run in runs))


def cost(bench, measuring):
    repo = pathlib.Path(__file__).resolve().parent.parent.parent
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    corpus = cache / "easylife/corpora/zipf-25000"
    made = subprocess.run([sys.executable, repo / "tools/zipf-corpus", corpus], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    files = corpus / "train.csv", corpus / "test.csv"
    steps = {}

    def easylife(name, sets, threads):
        project = Project(bench, measuring, *files, sets, threads)

        def once():
            runs = project.scored()
            steps.setdefault(name, []).append(runs)
            return together(runs)
        return once

    def other(name):
        one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [bench.python, __file__, name, *files, bench.folder / "peer.csv"]
        return lambda: measuring.measure(command, env=one)

    runs = measuring.alternate({
        "same": easylife("same", FIXED, 1), "two": easylife("two", FIXED, 2),
        "default": easylife("default", [], 1), "default two": easylife("default two", [], 2),
        **{name: other(name) for name in NAMES},
    }, runs=3, warm=False)
    parts = {name: [measuring.median(list(step)).cpu for step in zip(*found)] for name, found in steps.items()}
    return "\n".join([*("- " + line for line in made.splitlines()), "", *table(runs, parts)])


def table(runs, parts):
    out = ["| from raw files to a scored file, one thread | CPU | peak memory | times less | demanded |",
           "|---|---|---|---|---|"]
    shown = lambda name: " + ".join(f"{cpu:.2f}" for cpu in parts[name])
    for name, label in NAMES.items():
        times = runs[name].cpu / runs["same"].cpu
        met = "met" if times >= LESS[name] else "missed"
        out.append(f"| {label} (accuracy {float(runs[name].stdout):.4f}) | {runs[name].cpu:.1f} s | "
                   f"{runs[name].memory:.0f} MB | {times:.1f} | {LESS[name]} ({met}) |")
    out += [f"| easylife, the features of scikit-learn's row, C fixed | {runs['same'].cpu:.2f} s "
            f"({shown('same')}) | {runs['same'].memory:.0f} MB | | 250 MB |",
            f"| easylife by default: search and calibration included | {runs['default'].cpu:.2f} s "
            f"({shown('default')}) | {runs['default'].memory:.0f} MB | | 6 s, 250 MB |", "",
            "In brackets: prepare + train + predict. Two threads take "
            f"{runs['same'].wall / runs['two'].wall:.2f} times less wall time than one with C fixed, "
            f"{runs['default'].wall / runs['default two'].wall:.2f} times by default (demanded 1.7)."]
    return out


def short_texts(bench, measuring):
    """Texts of the sample scored a second, CSV to CSV, one thread."""
    project = Project(bench, measuring, "data/raw/nlp/reviews.csv", "data/raw/nlp/incoming.csv")
    project.sets = []
    project.run("sample", "nlp", "-Snlp.sample.incoming=400000")
    project.run("prepare", "nlp")
    project.run("train", "nlp")
    texts = project.folder / project.test
    with texts.open(encoding="utf-8", newline="") as file:
        rows = sum(1 for _ in csv.reader(file)) - 1
    found = measuring.median([project.run("predict", "nlp", "-i", texts, "-o", "out.csv") for _ in range(5)])
    return (f"`predict` of {rows:,} sample reviews ({texts.stat().st_size / rows:.0f} bytes each), CSV to CSV, "
            f"one thread: {rows / found.cpu:,.0f} a CPU second (demanded 200,000).")


def accuracies(bench, measuring):
    out = ["| data, everything by default | accuracy on test | 95 % interval | demanded | stretch | `train`, CPU |",
           "|---|---|---|---|---|---|"]
    for name, label, demanded, stretch in [("sst2", "SST-2", .825, .835), ("banking77", "Banking77", .896, .91)]:
        project = Project(bench, measuring, *(bench.data / f"{name}_{part}.csv" for part in ("train", "test")))
        metrics, cpu = project.accuracy()
        interval = metrics["intervals"]["accuracy"]
        out.append(f"| {label} | {metrics['accuracy']:.2%} | {interval['low']:.2%} to {interval['high']:.2%} | "
                   f"{demanded:.1%} | {stretch:.1%} | {cpu:.1f} s |")
    return out


def beside_sklearn(bench, measuring):
    def theirs(train, test):
        command = [bench.python, __file__, "sklearn-all", train, test, bench.folder / "peer.csv"]
        return float(measuring.measure(command).stdout)

    def ours(train, test):
        return Project(bench, measuring, train, test).accuracy()[0]["accuracy"]

    news = [bench.data / f"ag_news10k_{part}.csv" for part in ("train", "dev")]
    measuring.measure([bench.python, __file__, "folds", bench.data / "uci_sentiment_sentences.csv", bench.folder])
    parts = [[bench.folder / f"{number}-{side}.csv" for side in ("train", "test")] for number in range(10)]
    mean = lambda by: statistics.mean(by(*part) for part in parts)
    return ["| data | scikit-learn, C = 10, all word pairs | easylife by default | demanded |", "|---|---|---|---|",
            f"| AG News dev | {theirs(*news):.2%} | {ours(*news):.2%} | + 0.3 points, stretch + 1 |",
            f"| UCI sentences, mean of 10 stratified folds | {mean(theirs):.2%} | {mean(ours):.2%} | + 0, stretch + 1 |"]


def sizes(bench, measuring):
    files = [bench.data / f"sst2_{part}.csv" for part in ("train", "test")]
    out = ["| SST-2, `nlp.model` | model file | accuracy on test | expected calibration error | demanded |",
           "|---|---|---|---|---|"]
    for sets, demanded in [([], ""), (["model.bits=8"], "at most 0.1 point lost"), (["model.keep=50000"], "2 MB"),
                           (["model.keep=50000", "model.bits=8"], "0.7 MB")]:
        project = Project(bench, measuring, *files, sets)
        metrics, _ = project.accuracy()
        name = ", ".join(f"`{one.removeprefix('model.').replace('=', ': ')}`" for one in sets) or "default"
        out.append(f"| {name} | {project.size():.2f} MB | {metrics['accuracy']:.2%} | "
                   f"{metrics['ece']:.3f} | {demanded} |")
    return out


def run(bench, measuring):
    versions = bench.versions("scikit-learn", "fasttext-wheel", "vowpalwabbit")
    return "\n".join([f"Peers: {versions}. Medians of three runs in turn.", "", cost(bench, measuring), "",
                      short_texts(bench, measuring), "", *accuracies(bench, measuring), "",
                      *beside_sklearn(bench, measuring), "", *sizes(bench, measuring)])


if __name__ == "__main__":
    job, *words = sys.argv[1:]
    folds(*words) if job == "folds" else peer(job, *words)
