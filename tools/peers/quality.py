"""Data quality: crates/quality beside cleanlab and datasketch, and on personal data made by Faker.

Label errors: 5 % of the labels of three training parts are moved; both sides get the same out-of-fold
probabilities. Near-duplicates: texts with edited copies, 50,000 for datasketch (which would take an hour for
a million) and a million for easylife alone. The examples of the crate run as whole processes, imports included
on the peers' side (`cargo build --release -p easylife-quality --examples` comes before).
"""

import collections
import json
import os
import pathlib

HELPER = pathlib.Path(__file__).with_name("_quality.py")
ONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
SETS = {"SST-2": "sst2_train", "AG News": "ag_news10k_train", "Banking77": "banking77_train"}
TEXTS = ["ag_news10k_train", "sst2_train", "uci_sentiment_sentences"]
SEED = 2026


class Runs:
    """Measures the examples and the peers."""

    def __init__(self, bench, measuring):
        self.bench, self.measuring = bench, measuring
        self.nlp = bench.data.parent / "nlp"
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
        self.corpora = cache / "easylife" / "corpora"

    def peer(self, *words):
        return self.measuring.measure([self.bench.python, HELPER, *words], env=ONE)

    def example(self, name, *words, **how):
        return self.measuring.measure([self.bench.binary.parent / "examples" / name, *words], env=ONE, **how)

    def made(self, name, *words):
        """The file or folder of the cache that the helper makes, once."""
        path = self.corpora / name
        if not path.exists():
            part = self.corpora / f"{name}.part"
            if words[0] == "probabilities":
                part.mkdir(parents=True, exist_ok=True)
                words = [*words, part]
            else:
                part.parent.mkdir(parents=True, exist_ok=True)
            self.peer(*(part if word == "OUT" else word for word in words))
            for end in (".pairs", ".json"):
                side = pathlib.Path(f"{part}{end}")
                if side.exists():
                    side.rename(f"{path}{end}")
            part.rename(path)
        return path


def labels(runs):
    lines = ["| | easylife | found | precision, recall | CPU | cleanlab: default | best | CPU |", "|---|---|---|---|---|---|---|---|"]
    for name, source in SETS.items():
        folder = runs.made(f"quality-{source}", "probabilities", name, runs.nlp / f"{source}.csv")
        given = memoryview((folder / "given.u32").read_bytes()).cast("I")
        truth = memoryview((folder / "truth.u32").read_bytes()).cast("I")
        classes = (folder / "probabilities.f64").stat().st_size // 8 // len(given)
        words = [folder / "probabilities.f64", folder / "given.u32", classes]
        scores = runs.bench.folder / "scores"
        scores.write_text(runs.example("label_errors", *words, "all").stdout)
        ours = float(runs.peer("precision", folder, scores).stdout)
        run = runs.example("label_errors", *words)
        found = [int(line.split()[0]) for line in run.stdout.splitlines()[1:]]
        right = sum(given[row] != truth[row] for row in found)
        wrong = sum(a != b for a, b in zip(given, truth))
        peers = json.loads(runs.peer("cleanlab", folder, "scores").stdout)
        best = max(peers, key=peers.get)
        default = runs.peer("cleanlab", folder, "self_confidence")
        lines.append(f"| {name} | {ours:.4f} | {len(found)} | {right / len(found):.3f}, {right / wrong:.3f} | {run.cpu:.3f} s "
                     f"| {peers['self_confidence']:.4f} | {peers[best]:.4f} ({best}) | {default.cpu:.1f} s |")
    return "\n".join(lines)


def near_row(name, run, path):
    """Recall over planted pairs from .8 on; precision: reported pairs that are planted ones."""
    planted = [line.split() for line in pathlib.Path(f"{path}.pairs").read_text().splitlines()]
    all_pairs = {tuple(sorted((int(a), int(b)))) for a, b, _ in planted}
    similar = {tuple(sorted((int(a), int(b)))) for a, b, similarity in planted if float(similarity) >= 0.8}
    lines = (line.split() for line in run.stdout.splitlines() if not line.startswith("group"))
    found = {tuple(sorted((int(line[0]), int(line[1])))) for line in lines}
    recall, precision = len(similar & found) / len(similar), len(all_pairs & found) / len(found)
    return f"| {name} | {len(found)} | {recall:.4f} | {precision:.4f} | {run.cpu:.2f} s | {run.memory:.0f} MB |"


def near(runs):
    lines = ["| | pairs | recall | precision | CPU | peak memory |", "|---|---|---|---|---|---|"]
    sources = [runs.nlp / f"{name}.csv" for name in TEXTS]
    for count in (50_000, 1_000_000):
        path = runs.made(f"quality-texts-{count}", "texts", count, "OUT", *sources)
        lines.append(near_row(f"easylife, {count:,} texts", runs.example("near_texts", path), path))
        if count == 50_000:
            lines.append(near_row(f"datasketch, {count:,} texts", runs.peer("datasketch", path), path))
    return "\n".join(lines)


def personal(runs):
    path = runs.made(f"quality-personal-{SEED}", "personal", 10_000, SEED, "OUT")
    truth = json.loads(pathlib.Path(f"{path}.json").read_text())
    run = runs.example("personal_data", path)
    found = [set() for _ in truth]
    for line in run.stdout.splitlines():
        text, kind, start, end = line.split()
        found[int(text)].add((kind, int(start), int(end)))
    counts = collections.defaultdict(lambda: [0, 0, 0])
    for known, spans in zip(truth, found):
        known = {tuple(span) for span in known}
        for place, some in enumerate((known & spans, known - spans, spans - known)):
            for kind, _, _ in some:
                counts[kind][place] += 1
    counts["all"] = [sum(column) for column in zip(*counts.values())]
    lines = ["| | recall | precision | spans |", "|---|---|---|---|"]
    lines += [f"| {kind} | {right / (right + missed):.4f} | {right / (right + false):.4f} | {right + missed} |"
              for kind, (right, missed, false) in counts.items()]
    ordinary = runs.corpora / "zipf-25000" / "train.csv"
    if ordinary.exists():
        run = runs.example("personal_data", ordinary)
        lines.append(f"\n{ordinary.stat().st_size / 1e6 / run.cpu:.0f} MB/s of CPU on ordinary text, reading included.")
    return "\n".join(lines)


def run(bench, measuring):
    runs = Runs(bench, measuring)
    return (f"Beside {bench.versions('cleanlab', 'datasketch', 'faker', 'scikit-learn')}; one thread.\n\n"
            "Label errors: average precision of the ranking of all rows; the rows listed by default.\n\n" + labels(runs)
            + "\n\nNear-duplicates, one text in twenty a copy with 1 to 20 % of its words edited; recall of those whose "
            "sets of words have a Jaccard similarity of .8 or more; precision: planted among the pairs reported.\n\n"
            + near(runs) + "\n\nPersonal data in 10,000 texts of 18 locales; a span counts if kind and both ends are "
            "right.\n\n" + personal(runs))
