"""The text classifier behind FastAPI, as the platform that easylife replaces has it: /predict, /health, /metrics."""

import os

import joblib
from fastapi import FastAPI
from prometheus_client import Counter
from prometheus_fastapi_instrumentator import Instrumentator
from pydantic import BaseModel, Field

app = FastAPI()
Instrumentator().instrument(app).expose(app, include_in_schema=False)
COUNTER = Counter("nlp_predictions_total", "Predictions.", ["label"])
MODEL = joblib.load(os.environ["MODEL"])


class Asked(BaseModel):
    text: str = Field(..., min_length=1)


class Answered(BaseModel):
    label: int
    confidence: float


@app.get("/health")
def health():
    return {"status": "ok"}


@app.post("/predict", response_model=Answered)
def predict(asked: Asked):
    probabilities = MODEL.predict_proba([asked.text])[0]
    label = int(probabilities.argmax())
    COUNTER.labels(label=str(label)).inc()
    return Answered(label=label, confidence=float(probabilities[label]))
