"""Boosters and linear models beside easylife tabular, for tools/peers/tabular.py. In the peers' Python.

usage: _tabular.py memory PEER FOLDER SETTINGS OUT    trains on FOLDER/train.f32, scores FOLDER/test.f32 into OUT
       _tabular.py file PEER TRAIN SETTINGS MODEL     from a CSV to a saved model
       _tabular.py explain PEER FOLDER SETTINGS ROWS  contributions of the first rows of FOLDER/test.f32
       _tabular.py folds PEER FOLDER GOAL TARGET POSITIVE   all folds of a real table, everything by default
       _tabular.py judge FOLDER SCORES                AUC and log loss of a file of 64-bit floats

SETTINGS is JSON: trees, leaves, depth (0: no limit), rate, threads. Each job prints a line of JSON; seconds are CPU
seconds of the whole process around the calls, so imports and reading do not count; `memory` is the peak during binning
and training above what was resident before, in MB.
"""

import json
import pathlib
import sys
import time

import numpy as np

from _tables import FOLDS, quality, score, truth_of

SCORINGS = 5


# ---- boosters with the same settings: `bin` makes what `train` learns from ---------------------------


class XGBoost:
    def __init__(self, trees, leaves, depth, rate, threads):
        self.trees, self.threads = trees, threads
        self.params = {"objective": "binary:logistic", "tree_method": "hist", "grow_policy": "lossguide",
                       "max_leaves": leaves, "max_depth": depth, "eta": rate, "max_bin": 256, "nthread": threads}

    def bin(self, x, y):
        import xgboost
        return xgboost.QuantileDMatrix(x, y, max_bin=256, nthread=self.threads)

    def train(self, data):
        import xgboost
        self.model = xgboost.train(self.params, data, self.trees)

    def predict(self, x):
        return self.model.inplace_predict(x)

    def explain(self, x):
        import xgboost
        return self.model.predict(xgboost.DMatrix(x, nthread=self.threads), pred_contribs=True)

    def save(self, path):
        self.model.save_model(path + ".ubj")


class LightGBM:
    MORE = {"force_row_wise": True}

    def __init__(self, trees, leaves, depth, rate, threads):
        self.trees = trees
        self.params = {"objective": "binary", "num_leaves": leaves, "max_depth": depth or -1, "learning_rate": rate,
                       "max_bin": 255, "num_threads": threads, "verbose": -1, **self.MORE}

    def bin(self, x, y):
        import lightgbm
        return lightgbm.Dataset(x, y, params=self.params).construct()

    def train(self, data):
        import lightgbm
        self.model = lightgbm.train(self.params, data, self.trees)

    def predict(self, x):
        return self.model.predict(x, num_threads=self.params["num_threads"])

    def explain(self, x):
        return self.model.predict(x, pred_contrib=True, num_threads=self.params["num_threads"])

    def save(self, path):
        self.model.save_model(path + ".txt")


class LightGBMQuantized(LightGBM):
    MORE = {"force_col_wise": True, "use_quantized_grad": True, "num_grad_quant_bins": 4,
            "quant_train_renew_leaf": True}


class CatBoost:
    """Symmetric trees, its default: of depth 7, which is 128 leaves."""

    def __init__(self, trees, leaves, depth, rate, threads):
        from catboost import CatBoostClassifier
        depth = depth or leaves.bit_length()
        self.threads = threads
        self.model = CatBoostClassifier(iterations=trees, depth=depth, learning_rate=rate, border_count=254,
                                        thread_count=threads, verbose=False, allow_writing_files=False)

    def bin(self, x, y):
        from catboost import Pool
        pool = Pool(x, y, thread_count=self.threads)
        pool.quantize(border_count=254)
        return pool

    def train(self, data):
        self.model.fit(data)

    def predict(self, x):
        return self.model.predict_proba(x, thread_count=self.threads)[:, 1]

    def save(self, path):
        self.model.save_model(path + ".cbm")


class Hessboost(XGBoost):
    def bin(self, x, y):
        import hessboost
        return hessboost.DMatrix(x, label=y)

    def train(self, data):
        import hessboost
        self.model = hessboost.train(self.params, data, self.trees)

    def predict(self, x):
        return self.model.predict(x)

    def explain(self, x):
        return self.model.predict(x, pred_contribs=True)

    def save(self, path):
        self.model.save_model(path)


class Histogram:
    """scikit-learn's, whose threads are set by OMP_NUM_THREADS; it bins within `fit`."""

    def __init__(self, trees, leaves, depth, rate, threads):
        from sklearn.ensemble import HistGradientBoostingClassifier
        self.model = HistGradientBoostingClassifier(max_iter=trees, max_leaf_nodes=leaves, max_depth=depth or None,
                                                    learning_rate=rate, max_bins=255, early_stopping=False)

    def bin(self, x, y):
        return x, y

    def train(self, data):
        self.model.fit(*data)

    def predict(self, x):
        return self.model.predict_proba(x)[:, 1]

    def save(self, path):
        import joblib
        joblib.dump(self.model, path)


class Linear(Histogram):
    def __init__(self, trees, leaves, depth, rate, threads):
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        self.model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


PEERS = {"xgboost": XGBoost, "lightgbm": LightGBM, "lightgbm-quantized": LightGBMQuantized, "catboost": CatBoost,
         "hessboost": Hessboost, "sklearn": Histogram, "linear": Linear}


# ---- memory ----------------------------------------------------------------------------------------


def resident(name):
    """VmRSS (now) or VmHWM (peak), in MB."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name)) / 1024


def reset_peak():
    pathlib.Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def part(folder, name):
    """Features (rows x columns, rows in memory one after the other) and labels."""
    folder = pathlib.Path(folder)
    y = np.fromfile(folder / f"{name}-target.f32", np.float32)
    x = np.fromfile(folder / f"{name}.f32", np.float32).reshape(-1, len(y))
    return np.ascontiguousarray(x.T), y


# ---- jobs ------------------------------------------------------------------------------------------


def trained(peer, folder, settings):
    """A booster trained on FOLDER/train.f32, and what that took."""
    x, y = part(folder, "train")
    booster = PEERS[peer](**json.loads(settings))
    warm_up(peer, json.loads(settings), x, y)
    reset_peak()
    before = resident("VmRSS")
    start, wall = time.process_time(), time.perf_counter()
    data = booster.bin(x, y)
    binned = time.process_time()
    booster.train(data)
    done = time.process_time()
    return booster, {"binning": binned - start, "training": done - binned, "wall": time.perf_counter() - wall,
                     "memory": resident("VmHWM") - before}


def warm_up(peer, settings, x, y):
    """One tree of a few rows: imports, and whatever a package does once."""
    booster = PEERS[peer](**{**settings, "trees": 1})
    booster.train(booster.bin(x[:2000], y[:2000]))
    booster.predict(x[:2000])


def memory(peer, folder, settings, out):
    booster, told = trained(peer, folder, settings)
    x, _ = part(folder, "test")
    start = time.process_time()
    for _ in range(SCORINGS):
        found = booster.predict(x)
    told["scoring"] = (time.process_time() - start) / SCORINGS
    np.asarray(found, dtype=np.float64).tofile(out)
    return told


def explain(peer, folder, settings, rows):
    booster, told = trained(peer, folder, settings)
    x = part(folder, "test")[0][:int(rows)]
    start = time.process_time()
    found = booster.explain(x)
    told["explaining"] = time.process_time() - start
    chance = 1 / (1 + np.exp(-np.asarray(found, dtype=np.float64).sum(axis=1)))
    told["error"] = float(np.abs(chance - booster.predict(x)).max())
    return told


def file(peer, train, settings, model):
    """From a CSV to a saved model: the whole process counts, so nothing is timed here."""
    import polars as pl
    frame = pl.read_csv(train)
    y = (frame["label"] == "yes").to_numpy().astype(np.float32)
    x = frame.drop("label").cast(pl.Float32).to_numpy(order="c")
    del frame
    booster = PEERS[peer](**json.loads(settings))
    booster.train(booster.bin(x, y))
    booster.save(model)
    return {}


def judge(folder, scores):
    truth = np.fromfile(pathlib.Path(folder) / "test-target.f32", np.float32) > 0.5
    return quality(truth, np.fromfile(scores, np.float64))


# ---- real tables: everything by default, but 300 trees -----------------------------------------------

TREES = 300


def xgboost_default(goal, frame, y, texts):
    import xgboost
    kind = xgboost.XGBClassifier if goal == "class" else xgboost.XGBRegressor
    return kind(n_estimators=TREES, enable_categorical=True, n_jobs=1).fit(frame, y)


def lightgbm_default(goal, frame, y, texts):
    import lightgbm
    kind = lightgbm.LGBMClassifier if goal == "class" else lightgbm.LGBMRegressor
    return kind(n_estimators=TREES, n_jobs=1, verbose=-1).fit(frame, y)


def catboost_default(goal, frame, y, texts):
    import catboost
    kind = catboost.CatBoostClassifier if goal == "class" else catboost.CatBoostRegressor
    return kind(iterations=TREES, thread_count=1, verbose=False, allow_writing_files=False,
                cat_features=texts).fit(frame, y)


def hessboost_default(goal, frame, y, texts):
    from hessboost.sklearn import HessboostClassifier, HessboostRegressor
    kind = HessboostClassifier if goal == "class" else HessboostRegressor
    return kind(n_estimators=TREES, n_jobs=1).fit(frame, y)


def sklearn_default(goal, frame, y, texts):
    from sklearn import ensemble
    kind = ensemble.HistGradientBoostingClassifier if goal == "class" else ensemble.HistGradientBoostingRegressor
    return kind(max_iter=TREES, early_stopping=False, categorical_features="from_dtype").fit(frame, y)


def linear_default(goal, frame, y, texts):
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    numbers = [column for column in frame if column not in texts]
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore"), texts))
    model = LogisticRegression(max_iter=5000) if goal == "class" else Ridge()
    return make_pipeline(columns, model).fit(frame, y)


DEFAULTS = {"xgboost": xgboost_default, "lightgbm": lightgbm_default, "catboost": catboost_default,
            "hessboost": hessboost_default, "sklearn": sklearn_default, "linear": linear_default}


def typed(peer, train, test, texts):
    """Texts as the peer wants them; categories are those of the training part, others are missing."""
    for column in texts:
        if peer in ("catboost", "linear"):
            for frame in (train, test):
                frame[column] = frame[column].astype(object).where(frame[column].notna(), "(missing)")
        else:
            train[column] = train[column].astype("category")
            test[column] = test[column].astype(train[column].dtype)


def folds(peer, folder, goal, target, positive):
    import pandas as pd
    warm = pd.DataFrame({"a": np.arange(200) % 7, "b": np.where(np.arange(200) % 3, "x", "y")})
    typed(peer, warm, warm.copy(), ["b"])
    DEFAULTS[peer](goal, warm, np.arange(200) % 2, ["b"])
    told = {"scores": [], "cpu": []}
    for number in range(FOLDS):
        train, test = (pd.read_csv(pathlib.Path(folder) / f"{number}-{side}.csv") for side in ("train", "test"))
        y, truth = (truth_of(frame, goal, target, positive) for frame in (train, test))
        train, test = train.drop(columns=target), test.drop(columns=target)
        texts = [column for column in train if not pd.api.types.is_numeric_dtype(train[column])]
        typed(peer, train, test, texts)
        start = time.process_time()
        model = DEFAULTS[peer](goal, train, y.astype(int) if goal == "class" else y, texts)
        found = model.predict_proba(test)[:, 1] if goal == "class" else model.predict(test)
        told["cpu"].append(time.process_time() - start)
        told["scores"].append(score(goal, truth, found))
    return told


if __name__ == "__main__":
    job, *words = sys.argv[1:]
    print(json.dumps({"memory": memory, "file": file, "explain": explain, "folds": folds, "judge": judge}[job](*words)))
