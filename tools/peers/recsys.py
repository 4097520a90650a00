"""recsys beside implicit and EASE by scipy, for tools/bench-peers; and how all are scored by the same code.

Everybody searches settings on the same held-out slice of the training part, by NDCG@20 (_recsys.py), and is
fitted with the best to the whole training part; nothing is chosen on the test part. Training and lists of
peers are CPU seconds within their process, so that reading files and importing packages do not count; of
easylife whole processes are counted, reading, writing and all.
"""

import csv
import gzip
import json
import math
import pathlib
import shutil

from peers._search import told

PEER = pathlib.Path(__file__).with_name("_recsys.py")
PEERS = {"als": "implicit ALS", "bpr": "implicit BPR", "knn": "implicit item neighbours", "ease": "EASE by scipy"}
OURS = {"auto": "easylife", "als": "easylife, `kind: als`", "knn": "easylife, `kind: knn`",
        "ease": "easylife, `kind: ease`"}
# EASE holds items × items numbers and their inverse: 27 GB for the 40,981 items of gowalla.
NO_EASE = "gowalla"


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
        self.bench, self.measuring, self.name = bench, measuring, name
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
        self.check_slice()

    def check_slice(self):
        """Stops unless the peers' held-out slice is easylife's: with a budget for no more, its search tries the
        most popular items alone, whose NDCG would differ if a row or a user did."""
        train = self.easylife("train", "recsys", "--json", "-Srecsys.model.budget=0.000001",
                              "-Srecsys.model.popular_half_life=0")
        trial = json.loads(train.stdout)["trials"][0]
        _, found = self.peer("popular")
        for ours, theirs in zip((trial["recall_at_20"], trial["ndcg_at_20"]), found):
            if abs(ours - theirs) > 1e-9:
                raise SystemExit(f"{self.name}: the held-out slices differ: {trial} and {found}")

    def easylife(self, *words, threads=1):
        sets = getattr(self, "sets", [])
        return self.measuring.measure(
            [self.bench.binary, *words, *(sets if words[0] != "init" else [])], cwd=self.folder,
            env={"EASYLIFE_THREADS": str(threads)})

    def train(self, *model, threads=1):
        return self.easylife("train", "recsys", "--json", *model, threads=threads)

    def lists(self, threads=1):
        return self.easylife("predict", "recsys", "--users", "all", "-o", "lists.csv", threads=threads)

    def peer(self, job, *words):
        """A job of the peers: its run, and what it found."""
        command = [self.bench.python, PEER, job, self.parts[0], *words]
        one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        run = self.measuring.measure(command, env=one)
        return run, json.loads(run.stdout.splitlines()[-1])

    def chosen(self, kind):
        """What a peer's search finds: minutes on the larger sets, so it is kept."""
        files = [self.parts[0], PEER, PEER.with_name("_search.py")]
        return self.bench.cached(f"{kind} {self.bench.cpu}", files, lambda: self.peer("choose", kind)[1])

    def peer_lists(self, kind, **more):
        """A peer at its chosen settings: its run, its own times."""
        settings = json.dumps({**self.chosen(kind)["settings"], **more})
        return self.peer("lists", self.folder / "peer.csv", kind, settings)

    def score(self, name="lists.csv"):
        return score(*self.parts, self.folder / name)


def line(name, *cells):
    return f"| {name} | " + " | ".join(cells) + " |"


HEAD = ["| | chosen, of how many tried | held out: NDCG@20 | test: recall@20 / NDCG@20 | search | training | lists "
        "for all users | peak memory |", "|---|---|---|---|---|---|---|---|"]


def cells(chosen, tried, held_out, test, times, memory):
    return [f"{chosen} ({tried})", f"{held_out:.4f}", f"{test[0]:.4f} / {test[1]:.4f}",
            *(f"{seconds:.1f} s" for seconds in times), f"{memory:.0f} MB"]


def settled(choice):
    """The settings of `train` that a choice is, so that nothing is searched; and the same for a table."""
    options = dict(choice["options"])
    kind = options.pop("kind")
    block = {"kind": kind, "half_life": choice["half_life"], "disliked": choice["disliked"]}
    if options:
        block[kind] = options
    shown = {**options, "half_life": choice["half_life"], "disliked": choice["disliked"]}
    return f"-Srecsys.model={json.dumps(block)}", f"{kind}: {told(shown)}"


def our_row(data, kind):
    """A search, then a training with what it chose: the difference is the cost of the search."""
    whole = data.train(f"-Srecsys.model.kind={kind}")
    found = json.loads(whole.stdout)
    fixed, shown = settled(found["chosen"])
    train, lists = data.train(fixed), data.lists()
    held_out = found["trials"][found["best"]]["ndcg_at_20"]
    times = max(0.0, whole.cpu - train.cpu), train.cpu, lists.cpu
    return line(OURS[kind], *cells(shown, len(found["trials"]), held_out, data.score(), times,
                                   max(whole.memory, lists.memory)))


def peer_row(data, kind):
    found = data.chosen(kind)
    run, times = data.peer_lists(kind)
    tried = f"{found['tried']}, budget used up" if found["is_cut"] else found["tried"]
    return line(PEERS[kind], *cells(told(found["settings"]), tried, found["score"],
                                    data.score("peer.csv"), (found["cpu"], times["fit"], times["lists"]),
                                    run.memory))


def accuracy(data):
    without = "ease" if data.name == NO_EASE else ""
    return [f"**{data.name}**", "", *HEAD, *(our_row(data, kind) for kind in OURS if kind != without),
            *(peer_row(data, kind) for kind in PEERS if kind != without), ""]


def run(bench, measuring):
    data = bench.data
    sets = [Data(bench, measuring, "ml-100k", f"source={data}/ml-100k/ratings.csv"),
            Data(bench, measuring, "goodbooks-sample", f"source={data}/goodbooks-sample/ratings.csv"),
            Data(bench, measuring, "gowalla", f"source={data}/gowalla/train.csv.gz",
                 f"test={data}/gowalla/test.csv.gz")]
    out = [bench.versions("implicit", "scipy", "numpy") + ". One thread everywhere, CPU seconds. All choose settings "
           "on the same held-out slice of the training part by NDCG@20 (`tools/peers/_recsys.py` has the grids and "
           "checks the slice), then train on all of it; a search of a peer may take 600 CPU seconds. Times of peers are "
           "of `fit` and `recommend` alone, those of easylife of whole processes. A half-life of a user's interactions is in easylife alone; `disliked` is "
           "the weight of interactions rated below 4, for all but BPR, which has no weights. EASE is left out for "
           "gowalla: it would take 27 GB.", ""]
    for one in sets:
        out += accuracy(one)
    # Solving rows of 256 factors exactly takes implicit a minute on ml-100k; on gowalla it would be half an hour.
    return "\n".join(out + same_work(sets[0], measuring, True) + same_work(sets[-1], measuring, False))


def same_work(places, measuring, exact):
    """ALS of both: the settings that implicit's search found, and our own, alternating."""
    theirs = places.chosen("als")["settings"]
    same, _ = settled({"half_life": 0, "disliked": theirs.get("disliked", 1), "options": {
        "kind": "als", "factors": theirs["factors"], "iterations": theirs["iterations"], "exponent": 0,
        "unobserved": 1 / theirs["alpha"], "regularization": theirs["regularization"] / theirs["alpha"]}})
    own, shown = settled(json.loads(places.train("-Srecsys.model.kind=als").stdout)["chosen"])
    found = {}

    def ours(name, model, threads=1):
        def once():
            train, lists = places.train(model, threads=threads), places.lists(threads)
            found[name] = (train.cpu, lists.cpu, places.score())
            return train._replace(cpu=train.cpu + lists.cpu, wall=train.wall + lists.wall,
                                  memory=max(train.memory, lists.memory))
        return once

    def implicit(name, **more):
        def once():
            run, times = places.peer_lists("als", **more)
            found[name] = (times["fit"], times["lists"], places.score("peer.csv"))
            return run._replace(cpu=times["fit"] + times["lists"])
        return once

    candidates = {"implicit": implicit("implicit"), "same": ours("same", same), "own": ours("own", own),
                  "two": ours("two", own, 2)}
    if exact:
        candidates["exact"] = implicit("exact", use_cg=False)
    runs = measuring.alternate(candidates, runs=3, warm=False)
    labels = {"implicit": "implicit, three steps of conjugate gradients a row, as by default",
              "exact": "implicit, every row solved exactly",
              "same": "easylife, the same settings (`unobserved` 1 / alpha), every row solved exactly",
              "own": f"easylife, its own ({shown})"}
    row = lambda name: line(labels[name], f"{found[name][2][1]:.4f}", *(f"{cpu:.2f} s" for cpu in found[name][:2]),
                            f"{runs[name].cpu:.2f} s", f"{runs[name].memory:.0f} MB")
    return [f"**ALS on {places.name}** with the settings that implicit's search found ({told(theirs)}); one fit and "
            "lists of 20 for all users, without any search; medians of three, alternating", "",
            "| | NDCG@20 | CPU of training | CPU of lists | both | peak memory |", "|---|---|---|---|---|---|",
            *(row(name) for name in labels if name in runs), "",
            f"Of the last, two threads take {runs['own'].wall / runs['two'].wall:.2f} times less wall time"
            f"{'' if exact else ' (demanded 1.8)'}.", ""]
