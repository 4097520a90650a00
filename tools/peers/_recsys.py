"""Recommenders of implicit, and EASE by scipy: their search, and their lists. In the peers' own Python.

_recsys.py popular TRAIN          recall@20 and NDCG@20 of the most popular items on the held-out slice
_recsys.py choose TRAIN KIND      the settings of KIND that have the best NDCG@20 on it
_recsys.py lists TRAIN OUT KIND SETTINGS    fits to all of TRAIN and writes lists of 20 for all users

The slice is the one that easylife's own search compares candidates on (crates/models/src/recsys/search.rs and
src/tasks/recsys/train.rs): of each user's n interactions of the training part the last max(1, n / 5), or as
many drawn by a hash where there are no times; at most 3,000 users, drawn by the same hash. tools/peers/recsys.py
checks that it is, by `popular`. Each job prints JSON; times are CPU seconds within this process.
"""

import csv
import json
import sys
import time

import numpy as np
import scipy.sparse as sp

from _search import search

SEED, SHARE, USERS, LENGTH, LIKED = 42, 0.2, 3000, 20, 4
DISLIKED = (1.0, 0.5, 0.25)
# CPU seconds of a search, after which it tries nothing more: 15 times what easylife takes on the largest set.
BUDGET = 600
# Values in order, and the settings whose product is tried first, with the others at their first value.
SEARCHED = {
    "als": ({"factors": (64, 128, 256), "alpha": (1, 3, 10, 30, 100, 300),
             "regularization": (0.01, 0.1, 1, 10, 100, 300), "iterations": (15, 30), "disliked": DISLIKED},
            ("alpha", "regularization")),
    "bpr": ({"factors": (64, 128, 256), "learning_rate": (0.003, 0.01, 0.03, 0.1, 0.3),
             "regularization": (0.001, 0.01, 0.1), "iterations": (100, 200, 400)},
            ("learning_rate", "regularization")),
    "knn": ({"similarity": ("cosine", "tfidf", "bm25"), "neighbours": (8, 20, 60, 200), "disliked": DISLIKED},
            ("similarity", "neighbours")),
    "ease": ({"regularization": (30, 100, 300, 1000), "disliked": DISLIKED}, ("regularization",)),
}


class Log:
    """The training part as easylife keeps it: ids in its order, rows by user, time and item."""

    def __init__(self, train):
        with open(train, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.users, user = numbered([row["user_id"] for row in rows])
        self.items, item = numbered([row["item_id"] for row in rows])
        times = np.array([float(row.get("timestamp") or 0) for row in rows])
        order = np.lexsort((item, times, user))
        self.user, self.item, times = user[order], item[order], times[order]
        rated = "rating" in rows[0]
        liked = np.array([not rated or float(row["rating"] or 0) >= LIKED for row in rows])[order]
        self.liked = liked
        self.relevant = liked if liked.any() else np.ones_like(liked)
        same_user = self.user[1:] == self.user[:-1]
        self.ordered = bool((same_user & (times[1:] != times[:-1])).any())

    def matrix(self, rows, disliked=1.0):
        """Users × items: 1, or `disliked` where the rating is below 4."""
        weights = np.where(self.liked[rows], 1.0, disliked).astype(np.float32)
        shape = (len(self.users), len(self.items))
        return sp.csr_matrix((weights, (self.user[rows], self.item[rows])), shape=shape)

    def held_out(self):
        """Which rows are held out."""
        key = np.arange(len(self.user)) if self.ordered else mixed(self.user, self.item)
        order = np.lexsort((np.arange(len(key)), key, self.user))
        counts = np.bincount(self.user, minlength=len(self.users))
        out = np.where(counts < 2, 0, np.maximum(1, (counts * SHARE).astype(int)))
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        place = np.arange(len(order)) - starts[self.user]  # rows lie by user, before and after the ordering
        held = np.zeros(len(order), bool)
        held[order] = place >= (counts - out)[self.user]
        return held


def numbered(ids):
    """Ids by number if all are numbers, else by their bytes; and the place of each of the given ones."""
    known = list(set(ids))
    try:
        known.sort(key=lambda one: (float(one), one.encode()))
    except ValueError:
        known.sort(key=str.encode)
    places = {one: place for place, one in enumerate(known)}
    return known, np.array([places[one] for one in ids])


def mixed(user, item):
    """The hash of easylife's search, of SEED, user and item."""
    u64 = lambda values: np.asarray(values).astype(np.uint64)
    x = np.uint64(SEED) ^ (u64(user) * np.uint64(0x9E3779B97F4A7C15)) ^ (u64(item) << np.uint64(32))
    for factor in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(factor)
    return x ^ (x >> np.uint64(31))


class Slice:
    """What is held out of a log, and the users on whom candidates are compared."""

    def __init__(self, log):
        self.log, held = log, log.held_out()
        self.kept = np.flatnonzero(~held)
        wanted = np.flatnonzero(held & log.relevant)
        self.relevant = {}
        for user, item in zip(log.user[wanted].tolist(), log.item[wanted].tolist()):
            self.relevant.setdefault(user, set()).add(item)
        scored = np.array(sorted(self.relevant))
        drawn = np.lexsort((scored, mixed(scored, np.zeros(len(scored), int))))[:USERS]
        self.users = np.sort(scored[drawn])

    def score(self, lists):
        """Mean recall@20 and NDCG@20 of one list for each of `users`."""
        gain = 1 / np.log2(np.arange(2, LENGTH + 2))
        recall = ndcg = 0.0
        for user, found in zip(self.users.tolist(), lists.tolist()):
            wanted = self.relevant[user]
            hits = [place for place, item in enumerate(found[:LENGTH]) if item in wanted]
            recall += len(hits) / len(wanted)
            ndcg += gain[hits].sum() / gain[:min(LENGTH, len(wanted))].sum()
        return recall / len(self.users), ndcg / len(self.users)


# ---- models: fitted to a matrix, they give lists of 20 of some of its users ------------------------


def als(x, settings):
    import implicit.als
    model = implicit.als.AlternatingLeastSquares(random_state=1, use_gpu=False, num_threads=1, **settings)
    return implicit_lists(model, x)


def bpr(x, settings):
    import implicit.bpr
    model = implicit.bpr.BayesianPersonalizedRanking(random_state=1, use_gpu=False, num_threads=1, **settings)
    return implicit_lists(model, x)


def knn(x, settings):
    import implicit.nearest_neighbours as near
    kinds = {"cosine": near.CosineRecommender, "tfidf": near.TFIDFRecommender, "bm25": near.BM25Recommender}
    return implicit_lists(kinds[settings["similarity"]](K=settings["neighbours"], num_threads=1), x)


def implicit_lists(model, x):
    model.fit(x, show_progress=False)
    return lambda users: model.recommend(users, x[users], N=LENGTH)[0]


def ease(x, settings):
    gram = (x.T @ x).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += settings["regularization"]
    inverse = np.linalg.inv(gram)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)

    def lists(users):
        scores = x[users] @ weights
        scores[x[users].nonzero()] = -np.inf
        return best(scores)
    return lists


def best(scores):
    """The items of the 20 highest scores of each row; of equal ones the first."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :LENGTH]


def fit(kind, log, rows, settings):
    settings = dict(settings)
    x = log.matrix(rows, settings.pop("disliked", 1.0))
    return globals()[kind](x, settings)


# ---- jobs ------------------------------------------------------------------------------------------


def popular(train):
    part = Slice(Log(train))
    x = part.log.matrix(part.kept)[part.users].toarray()
    counts = np.bincount(part.log.item[part.kept], minlength=x.shape[1]).astype(float)
    return part.score(best(np.where(x > 0, -np.inf, counts)))


def choose(train, kind):
    part = Slice(Log(train))
    values, grid = SEARCHED[kind]
    if part.log.liked.all():
        values = {name: tried for name, tried in values.items() if name != "disliked"}

    def measure(settings):
        from implicit.recommender_base import ModelFitError
        try:
            return part.score(fit(kind, part.log, part.kept, settings)(part.users))[1]
        except ModelFitError:  # BPR diverges at high learning rates
            return 0.0

    return search(values, grid, measure, BUDGET)


def lists(train, out, kind, settings):
    log = Log(train)
    rows, users = np.arange(len(log.user)), np.arange(len(log.users))
    start = time.process_time()
    lists_of = fit(kind, log, rows, json.loads(settings))
    fitted = time.process_time()
    found = lists_of(users)
    listed = time.process_time()
    with open(out, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["user_id", "item_id", "rank", "score"])
        for user, items in zip(log.users, found):
            table.writerows([user, log.items[item], rank + 1, 0] for rank, item in enumerate(items) if item >= 0)
    return {"fit": fitted - start, "lists": listed - fitted}


if __name__ == "__main__":
    job, *words = sys.argv[1:]
    print(json.dumps({"popular": popular, "choose": choose, "lists": lists}[job](*words)))
