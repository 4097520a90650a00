"""Forecasts beside statsforecast and statsmodels, for tools/bench-peers.

Everybody forecasts the same tables: a set, or its first 60 series in the order of the file where a peer
is slow. Peers count the CPU seconds of fitting and forecasting alone, on one thread, after two series
have warmed them up; easylife is measured as whole processes, train and predict, reading and writing
included. All are scored by ../shared/scoring/ts_m4.py.

Run by the peers' Python, this file is the peer: ts.py JOB WORDS..., which prints JSON.
"""

import json
import pathlib
import sys

FEW = 60
SETS = {  # season and horizon by the rules of the M4 competition
    "m3_yearly_dev": (1, 6),
    "m3_quarterly_dev": (4, 8),
    "m3_monthly_dev": (12, 18),
    "m3_other_dev": (1, 8),
    "tourism_yearly_dev": (1, 4),
    "tourism_quarterly_dev": (4, 8),
    "tourism_monthly_dev": (12, 24),
    "m4_weekly_dev": (1, 13),
}
ARIMA_SETS = ("m3_yearly_dev", "m3_quarterly_dev", "m3_monthly_dev")  # AutoARIMA is slow
OURS = ("auto", "arima", "ets", "theta")
HOURLY = "m4_hourly_dev"
# Demanded of OWA by `auto`, and the stretch.
WANTED = {"m3_yearly_dev": (0.87, 0.84), "m3_quarterly_dev": (0.91, 0.88), "m3_monthly_dev": (0.86, 0.82),
          HOURLY: (0.55, 0.50)}


# --- in the peers' own Python ---------------------------------------------------------------------


def tables(name, folder, first):
    """Both parts of a set as CSV, of its first series alone where `first` is not 0."""
    import pandas as pd
    folder = pathlib.Path(folder)
    train, test = (pd.read_parquet(f"{name}_{part}.parquet") for part in ("train", "test"))
    ids = train.unique_id.unique()[: int(first) or None]
    for part, frame in (("train", train), ("test", test)):
        frame[frame.unique_id.isin(set(ids))].to_csv(folder / f"{part}.csv", index=False)
    return len(ids)


def generated(path, series, months):
    """Monthly demand with trend, season and noise: for the memory that many series take."""
    import numpy as np
    random = np.random.default_rng(20)
    t = np.arange(int(months))
    with open(path, "w", encoding="utf-8") as out:
        out.write("unique_id,ds,y\n")
        for number in range(int(series)):
            level, slope, season = random.uniform(50, 500), random.uniform(-0.1, 0.3), random.uniform(0, 40)
            y = level + slope * t + season * np.sin(2 * np.pi * (t + random.integers(12)) / 12)
            y += random.normal(0, 0.05 * level, len(t))
            out.writelines(f"s{number},{step + 1},{value:.2f}\n" for step, value in enumerate(y))


def timed(step):
    import time
    start = time.process_time()
    return step(), time.process_time() - start


def statsforecast(train, out, model, season, horizon):
    import pandas as pd
    from statsforecast import StatsForecast, models
    frame = pd.read_csv(train)
    ids = frame.unique_id.unique()

    def forecast(frame):
        made = getattr(models, model)(season_length=json.loads(season))
        fitted = StatsForecast(models=[made], freq=1, n_jobs=1)
        return fitted.forecast(df=frame, h=int(horizon), level=[95])

    forecast(frame[frame.unique_id.isin(set(ids[:2]))])
    found, cpu = timed(lambda: forecast(frame))
    names = {model: "mean", f"{model}-lo-95": "lo-95", f"{model}-hi-95": "hi-95"}
    found.rename(columns=names).to_csv(out, index=False)
    return {"cpu": cpu, "series": len(ids)}


def statsmodels(train, out, season, horizon, first):
    """The airline model at the orders given: what one fit costs there."""
    import warnings
    import pandas as pd
    from statsmodels.tsa.arima.model import ARIMA
    warnings.simplefilter("ignore")
    groups = [group.y.to_numpy(float) for _, group in pd.read_csv(train).groupby("unique_id", sort=False)]

    def fit(y):
        return ARIMA(y, order=(0, 1, 1), seasonal_order=(0, 1, 1, int(season))).fit().forecast(int(horizon))

    fit(groups[0])
    fit(groups[1])
    _, cpu = timed(lambda: [fit(y) for y in groups[: int(first)]])
    return {"cpu": cpu, "series": int(first)}


def score(scorer, train, test, forecasts, season):
    """OWA, coverage and MSIS of the series that `forecasts` has."""
    import importlib.util
    import pandas as pd
    spec = importlib.util.spec_from_file_location("ts_m4", scorer)
    ts_m4 = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ts_m4)

    def arrays(path, column):
        groups = pd.read_csv(path).groupby("unique_id", sort=False)
        return {key: group[column].to_numpy(float) for key, group in groups}

    import numpy as np
    mean, low, high = (arrays(forecasts, column) for column in ("mean", "lo-95", "hi-95"))
    actual = arrays(test, "y")
    found = ts_m4.score(list(mean), arrays(train, "y"), actual, int(season), mean, low, high)
    held = [np.mean((low[key] <= actual[key]) & (actual[key] <= high[key])) for key in mean]
    return {**found, "error": float(np.std(held) / np.sqrt(len(held)))}


# --- in tools/bench-peers -------------------------------------------------------------------------


class Table:
    """A set, or its first series, as the CSV files that everybody is given."""

    def __init__(self, bench, measuring, name, first=0, season=None, folder=None):
        self.bench, self.measuring, self.name = bench, measuring, name
        self.season, self.horizon = SETS.get(name, (24, 48))
        self.folder = bench.folder / (folder or f"{name}-{first}")
        self.folder.mkdir()
        self.series = self.job("tables", bench.data / name, self.folder, first)
        self.train, self.test = (self.folder / f"{part}.csv" for part in ("train", "test"))
        self.sets = [f"-Sts.{pair}" for pair in (
            "data.source=train.csv", "split.test=0", f"season={season or self.season}",
            f"horizon={self.horizon}")]
        self.easylife("init")
        self.easylife("prepare", "ts", *self.sets)

    def job(self, *words):
        """What the peers' Python prints."""
        one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        run = self.measuring.measure([self.bench.python, __file__, *words], env=one)
        return json.loads(run.stdout.splitlines()[-1])

    def easylife(self, *words, threads=1):
        return self.measuring.measure([self.bench.binary, *words], cwd=self.folder,
                                      env={"EASYLIFE_THREADS": str(threads)})

    def ours(self, kind, threads=1):
        """Training and forecasts, as one run."""
        train = self.easylife("train", "ts", *self.sets, f"-Sts.model.kind={kind}",
                              "-Sts.model.nonnegative=false", threads=threads)
        predict = self.easylife("predict", "ts", "-o", f"{kind}.csv", threads=threads)
        return train._replace(cpu=train.cpu + predict.cpu, wall=train.wall + predict.wall,
                              memory=max(train.memory, predict.memory))

    def peer(self, model, season=None):
        """A peer's own CPU seconds; its forecasts stay in MODEL.csv."""
        out = self.folder / f"{model}.csv"
        return self.job("statsforecast", self.train, out, model, season or self.season, self.horizon)

    def score(self, name):
        scorer = self.bench.data.parent.parent / "scoring" / "ts_m4.py"
        return self.job("score", scorer, self.train, self.test, self.folder / f"{name}.csv", self.season)


def line(name, *cells):
    return f"| {name} | " + " | ".join(cells) + " |"


def accuracy(found):
    return [f"{found['owa']:.4f}", f"{found['coverage95']:.3f}", f"{found['msis']:.2f}"]


def whole_set(table):
    """Rows of a set: ours, AutoETS and AutoTheta on all of it; the scores of all; how much CPU AutoETS takes."""
    rows, runs, scores = [], {}, {}
    for kind in OURS:
        runs[kind], scores[kind] = table.ours(kind), table.score(kind)
        rows.append(line(f"easylife `{kind}`", *accuracy(scores[kind]), f"{runs[kind].cpu:.2f} s",
                         f"{table.series / runs[kind].cpu:.1f}"))
    for model in ("AutoETS", "AutoTheta"):
        one = lambda model=model: {**table.peer(model), **table.score(model)}
        scores[model] = table.bench.cached(f"{model} {table.name}", [table.train, table.test], one)
        rows.append(line(f"statsforecast {model}", *accuracy(scores[model]), f"{scores[model]['cpu']:.2f} s",
                         f"{table.series / scores[model]['cpu']:.1f}"))
    return rows, scores, scores["AutoETS"]["cpu"] / runs["ets"].cpu


def held(found):
    """Whether a coverage is what was demanded: .94 to .96, or within two standard errors over series."""
    return abs(found["coverage95"] - 0.95) <= max(0.01, 2 * found["error"])


def coverages(scores):
    """Lines: the coverage of every set with its standard error, and how many are as demanded."""
    out = ["Coverage of 95 % with its standard error over series; demanded: 0.94 to 0.96 or within two standard "
           "errors on two thirds of the sets, none outside 0.92 to 0.98.", "",
           line("", *(f"`{kind}`" for kind in OURS)), "|---" * (len(OURS) + 1) + "|"]
    for name, found in scores.items():
        cells = [f"{found[kind]['coverage95']:.3f} ({found[kind]['error']:.3f}) {'met' if held(found[kind]) else ''}"
                 for kind in OURS if kind in found]
        out.append(line(name, *cells, *[""] * (len(OURS) - len(cells))))
    met = [sum(held(found[kind]) for found in scores.values() if kind in found) for kind in OURS]
    return [*out, line("**met**", *(f"{count}" for count in met)), ""]


def few_series(table, measuring):
    """Rows of the first series: `arima` and AutoARIMA, alternating."""
    peer = lambda: measuring.Run(table.peer("AutoARIMA")["cpu"], 0.0, 0.0, "")
    runs = measuring.alternate({"ours": lambda: table.ours("arima"), "peer": peer}, runs=3, warm=False)
    rows = []
    for name, key, run in (("easylife `arima`", "arima", runs["ours"]),
                           ("statsforecast AutoARIMA", "AutoARIMA", runs["peer"])):
        rows.append(line(name, *accuracy(table.score(key)), f"{run.cpu:.2f} s",
                         f"{table.series / run.cpu:.1f}"))
    return rows, runs["peer"].cpu / runs["ours"].cpu


HEAD = ["| | OWA | coverage of 95 % | MSIS | CPU | series a CPU second |", "|---|---|---|---|---|---|"]


def run(bench, measuring):
    out = [bench.versions("statsforecast", "statsmodels", "numpy") + ". One thread everywhere. Times of "
           "peers are of fitting and forecasting alone, those of easylife of whole processes, train and "
           "predict.", ""]
    whole = {name: Table(bench, measuring, name) for name in SETS}
    scores = {}
    for name, table in whole.items():
        rows, scores[name], times = whole_set(table)
        behind = scores[name]["theta"]["owa"] - scores[name]["AutoTheta"]["owa"]
        out += [f"**{name}**, {table.series} series{wanted(name)}", "", *HEAD, *rows, "",
                f"`ets` takes {times:.1f} times less CPU than AutoETS. OWA of `theta` less that of AutoTheta: "
                f"{behind:+.3f} (demanded: at most 0.003).", ""]
        if name not in ARIMA_SETS:
            continue
        few = Table(bench, measuring, name, FEW)
        rows, times = few_series(few, measuring)
        out += [f"Its first {few.series} series, medians of three, alternating:", "", *HEAD, *rows, "",
                f"`arima` takes {times:.1f} times less CPU than AutoARIMA.", ""]
    lines, scores[HOURLY] = hourly(bench, measuring)
    return "\n".join(out + lines + coverages(scores) + airline(bench, measuring)
                     + many(bench, measuring, whole["m3_monthly_dev"]))


def wanted(name):
    if name not in WANTED:
        return ""
    least, stretch = WANTED[name]
    return f" (demanded of `auto`: {least}, stretch {stretch})"


def hourly(bench, measuring):
    """Lines, and the scores of ours, with both seasons and with the shorter one alone."""
    rows, scores = [], {}
    for season, said in (("[24,168]", "seasons 24 and 168"), ("24", "season 24")):
        folder = HOURLY if season == "24" else f"{HOURLY}-both"
        table = Table(bench, measuring, HOURLY, season=season, folder=folder)
        for kind in OURS:
            run, found = table.ours(kind), table.score(kind)
            rows.append(line(f"easylife `{kind}`, {said}", *accuracy(found), f"{run.cpu:.2f} s",
                             f"{table.series / run.cpu:.1f}"))
            scores.setdefault(kind, found)
    # MSTL is what statsforecast has for two seasons: both are removed, AutoETS forecasts the rest.
    for model, season, said in (("AutoETS", "24", "season 24"), ("AutoTheta", "24", "season 24"),
                                ("MSTL", "[24,168]", "seasons 24 and 168")):
        one = lambda model=model, season=season: {**table.peer(model, season), **table.score(model)}
        found = bench.cached(f"{model} {season} {HOURLY}", [table.train, table.test], one)
        rows.append(line(f"statsforecast {model}, {said}", *accuracy(found), f"{found['cpu']:.2f} s",
                         f"{found['series'] / found['cpu']:.1f}"))
    return [f"**{HOURLY}**, {table.series} series{wanted(HOURLY)}", "", *HEAD, *rows, ""], scores


def airline(bench, measuring):
    table = Table(bench, measuring, "m3_monthly_dev", 10)
    found = table.job("statsmodels", table.train, "-", table.season, table.horizon, 10)
    return [f"statsmodels takes {found['cpu'] / found['series']:.2f} s of CPU for one fit of "
            "ARIMA(0,1,1)(0,1,1)[12] to a monthly series (mean of the first 10), without any choice of "
            "orders.", ""]


def many(bench, measuring, monthly):
    """Memory and threads on 10,000 monthly series."""
    folder = bench.folder / "many"
    folder.mkdir()
    one = lambda words, threads=1: measuring.measure([bench.binary, *words], cwd=folder,
                                                     env={"EASYLIFE_THREADS": str(threads)})
    measuring.measure([bench.python, __file__, "generated", folder / "many.csv", 10_000, 120])
    one(["init"])
    sets = ["-Sts.data.source=many.csv", "-Sts.season=12", "-Sts.split.test=12"]
    steps = {verb: one([verb, "ts", *sets], 2) for verb in ("prepare", "train", "evaluate")}
    steps["predict"] = one(["predict", "ts", "-o", "out.csv"], 2)
    memory = ", ".join(f"{verb} {run.memory:.0f} MB" for verb, run in steps.items())
    runs = measuring.alternate({threads: lambda threads=threads: monthly.easylife(
        "train", "ts", *monthly.sets, threads=threads) for threads in (1, 2)}, runs=3, warm=False)
    return [f"**10,000 generated monthly series** of 120 values, `auto`: peak memory {memory} "
            f"(demanded 100 MB, stretch 60); training takes {steps['train'].cpu:.0f} s of CPU.", "",
            f"Two threads train `auto` on m3_monthly_dev in {runs[1].wall / runs[2].wall:.2f} times less "
            "wall time than one (demanded 1.85, stretch 1.95)."]


if __name__ == "__main__":
    job, *words = sys.argv[1:]
    print(json.dumps(globals()[job](*words)))
