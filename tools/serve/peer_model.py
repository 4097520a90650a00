"""Trains the text classifier that the peers of `tools/bench-serve` serve. In the peers' own Python.

usage: peer_model.py DATA.csv FOLDER      writes FOLDER/nlp.joblib
"""

import csv
import pathlib
import sys

import joblib
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

with open(sys.argv[1], newline="", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=10, max_iter=1000))
model.fit([row["text"] for row in rows], [row["label"] for row in rows])
joblib.dump(model, pathlib.Path(sys.argv[2]) / "nlp.joblib")
