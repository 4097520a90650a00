"""Text classification: easylife beside scikit-learn, fastText and Vowpal Wabbit, for tools/bench-peers.

Cost is measured on the corpus of tools/zipf-corpus. A row is all that leads from the raw files to a
scored file, in whole processes of one thread, imports included: for easylife `prepare`, `train` and
`predict`, for peers one fit at the settings that their search chose; the search's cost is a column of its own.
Accuracy is measured on `../shared/data/nlp`. Everybody's settings are chosen on rows held out of the training part
(_nlp.py has the grids of the peers); nothing is chosen on a test part.
"""

import csv
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from peers._search import told

PEER = pathlib.Path(__file__).with_name("_nlp.py")
# The features of scikit-learn's row of costs, without what easylife would add by itself.
FIXED = ["features.ngrams=[1, 2]", "features.min_df=2", "features.max_features=50000",
         "features.negation=false", "features.characters=null", "model.weighting=plain",
         "model.calibrate=false"]
LESS = {"sklearn-same": 20, "vw": 8, "fasttext": 8}
ONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
NAMES = {"sklearn-same": "scikit-learn", "vw": "Vowpal Wabbit", "fasttext": "fastText"}


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

    def right(self):
        """Share of rows of the test file that the scored file has right."""
        predicted, actual = self.cells("prediction", self.folder / "scored.csv"), self.cells("label", self.test)
        return sum(a == b for a, b in zip(actual, predicted)) / len(actual)

    @staticmethod
    def cells(column, path):
        with open(path, encoding="utf-8", newline="") as file:
            return [row[column] for row in csv.DictReader(file)]

    def size(self):
        return (self.folder / "models/nlp.safetensors").stat().st_size / 1e6


def together(runs):
    return runs[0]._replace(cpu=sum(run.cpu for run in runs), wall=sum(run.wall for run in runs),
                            memory=max(run.memory for run in runs))


def chosen(bench, measuring, peer, train, folds):
    """What a peer's search finds on the training part, which takes minutes, so it is kept."""
    command = [bench.python, PEER, "choose", train, peer, folds]
    find = lambda: json.loads(measuring.measure(command, env=ONE).stdout.splitlines()[-1])
    return bench.cached(f"{peer} {folds} {bench.cpu}", [train, PEER, PEER.with_name("_search.py")], find)


def scored(bench, measuring, peer, train, test, settings):
    """One fit of a peer at given settings, from raw files to a scored file; it prints the accuracy."""
    return measuring.measure([bench.python, PEER, "score", train, test, bench.folder / "peer.csv", peer,
                              json.dumps(settings)], env=ONE)


def cost(bench, measuring):
    repo = pathlib.Path(__file__).resolve().parent.parent.parent
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    corpus = cache / "easylife/corpora/zipf-25000"
    made = subprocess.run([sys.executable, repo / "tools/zipf-corpus", corpus], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    files = corpus / "train.csv", corpus / "test.csv"
    found = {peer: chosen(bench, measuring, peer, files[0], 1) for peer in NAMES}
    fixed = [*FIXED, f"model.C={found['sklearn-same']['settings']['C']}"]
    steps, projects = {}, {}

    def easylife(name, sets, threads):
        projects[name] = project = Project(bench, measuring, *files, sets, threads)

        def once():
            runs = project.scored()
            steps.setdefault(name, []).append(runs)
            return together(runs)
        return once

    other = lambda peer: lambda: scored(bench, measuring, peer, *files, found[peer]["settings"])
    runs = measuring.alternate({
        "same": easylife("same", fixed, 1), "two": easylife("two", fixed, 2),
        "default": easylife("default", [], 1), "default two": easylife("default two", [], 2),
        **{name: other(name) for name in NAMES},
    }, runs=3, warm=False)
    right = {name: projects[name].right() for name in ("same", "default")}
    right.update((name, float(runs[name].stdout)) for name in NAMES)
    parts = {name: [measuring.median(list(step)).cpu for step in zip(*found)] for name, found in steps.items()}
    return "\n".join([*("- " + line for line in made.splitlines()), "", *table(runs, parts, found, right)])


def table(runs, parts, found, right):
    out = ["| from raw files to a scored file, one thread | accuracy | CPU of one fit | CPU of the search | peak "
           "memory | times less | demanded |", "|---|---|---|---|---|---|---|"]
    shown = lambda name: " + ".join(f"{cpu:.2f}" for cpu in parts[name])
    for name, label in NAMES.items():
        times = runs[name].cpu / runs["same"].cpu
        met = "met" if times >= LESS[name] else "missed"
        out.append(f"| {label} ({told(found[name]['settings'])}) | {right[name]:.4f} | {runs[name].cpu:.1f} s | "
                   f"{found[name]['cpu']:.0f} s, {found[name]['tried']} settings | {runs[name].memory:.0f} MB | "
                   f"{times:.1f} | {LESS[name]} ({met}) |")
    search = parts["default"][1] - parts["same"][1]
    out += [f"| easylife, features and C of scikit-learn's row | {right['same']:.4f} | {runs['same'].cpu:.2f} s "
            f"({shown('same')}) | none | {runs['same'].memory:.0f} MB | | 250 MB |",
            f"| easylife by default, with its search and calibration | {right['default']:.4f} | "
            f"{runs['default'].cpu:.2f} s ({shown('default')}), search included | {search:.2f} s more than with all "
            f"fixed | {runs['default'].memory:.0f} MB | | 6 s, 250 MB |", "",
            "In brackets: prepare + train + predict. scikit-learn has 50,000 words and pairs that at least two texts "
            "have, as easylife beside it: the cost of the same work. The peers chose their settings on a fifth of the "
            "training part. Two threads take "
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
    searches = []

    def theirs(train, test):
        found = chosen(bench, measuring, "sklearn", train, 5)
        searches.append(found)
        return float(scored(bench, measuring, "sklearn", train, test, found["settings"]).stdout)

    def ours(train, test):
        return Project(bench, measuring, train, test).accuracy()[0]["accuracy"]

    news = [bench.data / f"ag_news10k_{part}.csv" for part in ("train", "dev")]
    measuring.measure([bench.python, PEER, "folds", bench.data / "uci_sentiment_sentences.csv", bench.folder])
    parts = [[bench.folder / f"{number}-{side}.csv" for side in ("train", "test")] for number in range(10)]
    mean = lambda by: statistics.mean(by(*part) for part in parts)
    out = ["| data | scikit-learn, C and n-grams chosen on five folds of the training part | easylife by default | "
           "demanded |", "|---|---|---|---|",
           f"| AG News dev | {theirs(*news):.2%} | {ours(*news):.2%} | + 0.3 points, stretch + 1 |",
           f"| UCI sentences, mean of 10 stratified folds | {mean(theirs):.2%} | {mean(ours):.2%} | + 0, stretch + 1 |"]
    cpu = [found["cpu"] for found in searches]
    picked = sorted({told(found["settings"]) for found in searches[1:]})
    return [*out, "", f"scikit-learn chose {told(searches[0]['settings'])} for AG News ({cpu[0]:.0f} s of CPU, "
            f"{searches[0]['tried']} settings on five folds each), and for the ten folds of UCI {'; '.join(picked)} "
            f"({sum(cpu[1:]):.0f} s together)."]


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
