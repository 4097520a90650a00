"""recsys beside implicit, LensKit and EASE by scipy; and how it is scored by the same code.

What is compared is said by each table. Training and lists are timed inside the peers' process, by CPU
seconds of the process, so that reading files and importing packages do not count; of easylife whole
processes are counted, reading, writing and all; LensKit's whole process is shown as well. Accuracy of
all is by one scorer, below.
"""

import csv
import gzip
import json
import shutil
import math
import sys

GOWALLA = "implicit's ALS: 64 factors, alpha 10, regularization 10, 8 iterations; lists of 20 for all users"


# ---- in the peers' virtual environment: python tools/peers/recsys.py JOB FILES... prints JSON ----

def log(train):
    import pandas as pd
    frame = pd.read_csv(train)
    return frame, pd.factorize(frame.user_id, sort=True), pd.factorize(frame.item_id, sort=True)


def matrix(train):
    import numpy as np
    import scipy.sparse as sp
    _, (u, users), (i, items) = log(train)
    return sp.csr_matrix((np.ones(len(u), np.float32), (u, i)), shape=(len(users), len(items))), users, items


def write(path, users, items, lists):
    with open(path, "w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["user_id", "item_id", "rank", "score"])
        for user, found in zip(users, lists):
            rows.writerows([user, items[item], rank + 1, 0] for rank, item in enumerate(found) if item >= 0)


def timed(step):
    import time
    start = time.process_time()
    return step(), time.process_time() - start


def implicit_als(train, out, factors, alpha, regularization, iterations):
    import implicit.als
    import numpy as np
    x, users, items = matrix(train)
    model = implicit.als.AlternatingLeastSquares(
        factors=int(factors), alpha=float(alpha), regularization=float(regularization),
        iterations=int(iterations), random_state=1, use_gpu=False, num_threads=1)
    _, fit = timed(lambda: model.fit(x, show_progress=False))
    (lists, _), listing = timed(lambda: model.recommend(np.arange(len(users)), x, N=20))
    write(out, users, items, lists)
    return {"fit": fit, "lists": listing}


def implicit_knn(train, out, kind, neighbours):
    import implicit.nearest_neighbours as near
    import numpy as np
    x, users, items = matrix(train)
    model = {"cosine": near.CosineRecommender, "bm25": near.BM25Recommender}[kind](
        K=int(neighbours), num_threads=1)
    _, fit = timed(lambda: model.fit(x, show_progress=False))
    (lists, _), listing = timed(lambda: model.recommend(np.arange(len(users)), x, N=20))
    write(out, users, items, lists)
    return {"fit": fit, "lists": listing}


def scipy_ease(train, out, regularization):
    import numpy as np
    x, users, items = matrix(train)

    def fit():
        gram = (x.T @ x).toarray().astype(np.float64)
        gram[np.diag_indices_from(gram)] += float(regularization)
        inverse = np.linalg.inv(gram)
        weights = inverse / -np.diag(inverse)
        np.fill_diagonal(weights, 0)
        return weights

    weights, fitting = timed(fit)

    def lists():
        scores = x @ weights
        scores[x.nonzero()] = -np.inf
        best = np.argpartition(-scores, 20, axis=1)[:, :20]
        order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1, kind="stable")
        return np.take_along_axis(best, order, 1)

    best, listing = timed(lists)
    write(out, users, items, best)
    return {"fit": fitting, "lists": listing}


def lenskit_als(train, out):
    from lenskit.als import ImplicitMFScorer
    from lenskit.batch import recommend
    from lenskit.data import from_interactions_df
    from lenskit.pipeline import topn_pipeline
    frame, (_, users), _ = log(train)
    data = from_interactions_df(frame[["user_id", "item_id"]])

    def fit():
        pipeline = topn_pipeline(ImplicitMFScorer(embedding_size=50), n=20)
        pipeline.train(data)
        return pipeline

    pipeline, fitting = timed(fit)
    found, listing = timed(lambda: recommend(pipeline, list(users), n=20, n_jobs=1))
    with open(out, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["user_id", "item_id", "rank", "score"])
        for key, items in found:
            rows.writerows([key.user_id, item, rank + 1, 0] for rank, item in enumerate(items.ids()))
    return {"fit": fitting, "lists": listing}


# ---- in tools/bench-peers --------------------------------------------------------------------------

def rows(path):
    opened = gzip.open(path, "rt", encoding="utf-8") if str(path).endswith(".gz") else \
        open(path, encoding="utf-8", newline="")
    with opened as file:
        yield from csv.DictReader(file)


def score(train, test, lists):
    """recall@20 and NDCG@20 as ../shared/scoring/recsys.py defines them, of any file of lists."""
    known = {row["user_id"] for row in rows(train)}
    relevant = {}
    for row in rows(test):
        if row["user_id"] in known and float(row.get("rating") or 4) >= 4:
            relevant.setdefault(row["user_id"], set()).add(row["item_id"])
    listed = {}
    for row in rows(lists):
        listed.setdefault(row["user_id"], []).append(row["item_id"])
    gain = [1 / math.log2(place + 2) for place in range(20)]
    recall = ndcg = 0
    for user, wanted in relevant.items():
        hits = [place for place, item in enumerate(listed.get(user, [])[:20]) if item in wanted]
        recall += len(hits) / len(wanted)
        ndcg += sum(gain[place] for place in hits) / sum(gain[:min(20, len(wanted))])
    return recall / len(relevant), ndcg / len(relevant)


class Data:
    """A data set, prepared by easylife into the parts that everybody is given."""

    def __init__(self, bench, measuring, name, *sets):
        self.bench, self.measuring = bench, measuring
        self.folder = bench.folder / name
        self.folder.mkdir()
        self.easylife("init")
        self.sets = [f"-Srecsys.data.{key}" for key in sets]
        self.easylife("prepare", "recsys")
        self.parts = [self.folder / f"{part}.csv" for part in ("train", "test")]
        for part in self.parts:
            shutil.copy(self.folder / f"data/processed/recsys/{part.name}", part)
        # Lists of a model that knows of a test part leave out what is in it: ours is given the training part
        # alone, as the peers are.
        self.sets = [f"-Srecsys.data.source={self.parts[0]}", "-Srecsys.split.test=0"]
        self.easylife("prepare", "recsys")

    def easylife(self, *words, threads=1):
        sets = getattr(self, "sets", [])
        return self.measuring.measure(
            [self.bench.binary, *words, *(sets if words[0] != "init" else [])], cwd=self.folder,
            env={"EASYLIFE_THREADS": str(threads)})

    def ours(self, *model, threads=1):
        """Training and lists of a model: two runs, and the score."""
        train = self.easylife("train", "recsys", *model, threads=threads)
        lists = self.easylife("predict", "recsys", "--users", "all", "-o", "lists.csv", threads=threads)
        return train, lists

    def peer(self, job, *words):
        """A peer's own times, the memory of its process, and its score."""
        out = self.folder / "peer.csv"
        command = [self.bench.python, __file__, job, self.parts[0], out, *words]
        one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        run = self.measuring.measure(command, env=one)
        return run, json.loads(run.stdout.splitlines()[-1])

    def score(self, name="lists.csv"):
        return score(*self.parts, self.folder / name)


def line(name, *cells):
    return f"| {name} | " + " | ".join(cells) + " |"


def figures(pair):
    return f"{pair[0]:.4f} / {pair[1]:.4f}"


def accuracy(data, peers):
    train, lists = data.ours()
    out = [line("easylife, chosen by itself", figures(data.score()), f"{train.cpu:.1f} s",
                f"{lists.cpu:.1f} s", f"{max(train.memory, lists.memory):.0f} MB")]
    for name, job, *words in peers:
        def compute():
            run, times = data.peer(job, *words)
            return {**times, "memory": run.memory, "score": data.score("peer.csv")}
        found = data.bench.cached(f"{job} {words} {data.folder.name}", data.parts, compute)
        out.append(line(name, figures(found["score"]), f"{found['fit']:.1f} s", f"{found['lists']:.1f} s",
                        f"{found['memory']:.0f} MB"))
    return out


HEAD = ["| | recall@20 / NDCG@20 | training | lists for all users | peak memory |", "|---|---|---|---|---|"]
SAME = ("-Srecsys.model={kind: als, half_life: 0, disliked: 1, als: {factors: 64, iterations: 8, "
        "unobserved: 0.1, regularization: 1.0, exponent: 0}}")
# What `kind: als` chooses on gowalla's training part, with as few iterations as reach implicit's NDCG.
FOUND = ("-Srecsys.model={kind: als, half_life: 0, disliked: 1, als: {factors: 64, iterations: 3, "
         "unobserved: 0.0111, regularization: 0.00333, exponent: 1}}")


def run(bench, measuring):
    data = bench.data
    movies = Data(bench, measuring, "ml-100k", f"source={data}/ml-100k/ratings.csv")
    books = Data(bench, measuring, "goodbooks-sample", f"source={data}/goodbooks-sample/ratings.csv")
    places = Data(bench, measuring, "gowalla", f"source={data}/gowalla/train.csv.gz",
                  f"test={data}/gowalla/test.csv.gz")
    als = ("implicit ALS, 64 factors", "implicit_als", "64", "10", "10", "8")
    near = [(f"implicit {kind}, {n} neighbours", "implicit_knn", kind, n)
            for kind, n in (("cosine", "100"), ("bm25", "100"))]
    out = [bench.versions("implicit", "lenskit", "scipy", "numpy") + ". One thread everywhere. Times of "
           "peers are of `fit` and `recommend` alone, those of easylife of whole processes.", ""]
    for name, where, peers in [
        ("ml-100k", movies, [als, *near, ("EASE by scipy, 500", "scipy_ease", "500"),
                             ("LensKit ALS, batch recommend", "lenskit_als")]),
        ("goodbooks-sample", books, [als, *near, ("EASE by scipy, 100", "scipy_ease", "100")]),
        ("gowalla", places, [als, *near]),
    ]:
        out += [f"**{name}**", "", *HEAD, *accuracy(where, peers), ""]
    return "\n".join(out + same_work(places, movies, measuring))


def same_work(places, movies, measuring):
    """The same model by both, alternating."""
    found = {}

    def ours(name, model, threads=1):
        def once():
            train, lists = places.ours(model, threads=threads)
            found[name] = (train, lists, places.score())
            return train._replace(cpu=train.cpu + lists.cpu, wall=train.wall + lists.wall,
                                  memory=max(train.memory, lists.memory))
        return once

    def implicit():
        run, times = places.peer("implicit_als", "64", "10", "10", "8")
        found["implicit"] = (times, places.score("peer.csv"))
        return run._replace(cpu=times["fit"] + times["lists"])

    runs = measuring.alternate({"easylife": ours("easylife", SAME), "found": ours("found", FOUND),
                                "two": ours("two", FOUND, 2), "implicit": implicit}, runs=3)
    times, peers = found["implicit"]
    out = [f"**The same model on gowalla** ({GOWALLA}); medians of three, alternating", "",
           "| | NDCG@20 | CPU of training | CPU of lists | both | peak memory |", "|---|---|---|---|---|---|",
           line("implicit", f"{peers[1]:.4f}", f"{times['fit']:.2f} s", f"{times['lists']:.2f} s",
                f"{runs['implicit'].cpu:.2f} s", f"{runs['implicit'].memory:.0f} MB"),
           *(line(label, f"{found[name][2][1]:.4f}", *(f"{step.cpu:.2f} s" for step in found[name][:2]),
                  f"{runs[name].cpu:.2f} s", f"{runs[name].memory:.0f} MB")
             for name, label in [("easylife", "easylife, the same settings, whole processes"),
                                 ("found", "easylife, the settings it finds itself, 3 iterations")]), "",
           f"Of the last, two threads take {runs['found'].wall / runs['two'].wall:.2f} times less wall time."]
    return out + beside_lenskit(movies, measuring)


LENSKIT = ("-Srecsys.model={{kind: als, half_life: 0, disliked: 1, als: {{factors: 50, iterations: {}, "
           "unobserved: 0.1, regularization: 0.01, exponent: 1}}}}")


def beside_lenskit(movies, measuring):
    """ALS of 50 factors on ml-100k, as many passes as LensKit makes and as few as beat its lists."""
    found = {}

    def ours(passes):
        def once():
            train, lists = movies.ours(LENSKIT.format(passes))
            found[passes] = movies.score()
            return train._replace(cpu=train.cpu + lists.cpu, memory=max(train.memory, lists.memory))
        return once

    def lenskit():
        run, times = movies.peer("lenskit_als")
        found["lenskit"] = movies.score("peer.csv")
        found["inside"] = times["fit"] + times["lists"]
        return run

    runs = measuring.alternate({10: ours(10), 2: ours(2), "lenskit": lenskit}, runs=5)
    theirs = runs["lenskit"].cpu
    times = lambda name: [""] * 2 if name == "lenskit" else \
        [f"{cpu / runs[name].cpu:.0f} times as much" for cpu in (theirs, found["inside"])]
    row = lambda label, name: line(label, figures(found[name]), f"{runs[name].cpu:.2f} s", *times(name),
                                   f"{runs[name].memory:.0f} MB")
    return ["", "**ALS of 50 factors on ml-100k**, training and lists of 20 for all users; medians of five, alternating. "
            f"LensKit spends {found['inside']:.2f} s of its CPU within `train` and `recommend`, the rest on imports and reading.",
            "", "| | recall@20 / NDCG@20 | CPU, whole processes | LensKit's whole process takes | its `train` and "
            "`recommend` alone take | peak memory |", "|---|---|---|---|---|---|",
            row("LensKit, 10 epochs", "lenskit"), row("easylife, 10 iterations", 10),
            row("easylife, 2 iterations", 2)]


if __name__ == "__main__":
    job, train, out, *words = sys.argv[1:]
    print(json.dumps(globals()[job](train, out, *words)))
