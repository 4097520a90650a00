"""The servers that easylife is measured beside, and one text of 60 words to all of them."""

import json
import shutil
import subprocess

from serve.bench import load
from serve.bench.models import TEXT
from serve.bench.process import REPO, Server, easylife, memory, venv

PORT, FASTAPI, MLSERVER = 9080, 9081, 9082


def oip(name, values, datatype="BYTES", **more):
    return {"inputs": [{"name": name, "shape": [len(values)], "datatype": datatype, "data": values}], **more}


def peers(folder):
    """Name -> server and request."""
    data = folder / "data/raw/nlp/reviews.csv"
    python = venv("peers-serve")
    subprocess.run([python / "python", REPO / "tools/serve/peer_model.py", data, folder], check=True)
    mlserver = folder / "mlserver"
    (mlserver / "nlp").mkdir(parents=True)
    shutil.copy(folder / "nlp.joblib", mlserver / "nlp/model.joblib")
    (mlserver / "settings.json").write_text(json.dumps({"host": "127.0.0.1", "http_port": MLSERVER, "grpc_port": 9083,
                                                        "metrics_port": 9084, "parallel_workers": 0}))
    (mlserver / "nlp/model-settings.json").write_text(json.dumps({
        "name": "nlp", "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": "./model.joblib", "content_type": "str"}}))
    asked = [{"name": "predict"}, {"name": "predict_proba"}]
    fastapi = [python / "uvicorn", "peer_fastapi:app", "--host", "127.0.0.1", "--port", FASTAPI, "--app-dir",
               REPO / "tools/serve"]
    return {
        "FastAPI + scikit-learn (uvicorn, one worker)": (
            Server(fastapi, folder, FASTAPI, "/health", {"MODEL": str(folder / "nlp.joblib")}),
            load.Request(folder, "fastapi", FASTAPI, "/predict", {"text": TEXT})),
        "MLServer + scikit-learn": (
            Server([python / "mlserver", "start", "."], mlserver, MLSERVER),
            load.Request(folder, "mlserver", MLSERVER, "/v2/models/nlp/infer",
                         {**oip("text", [TEXT]), "outputs": asked})),
    }


def table_of_texts(folder, binary, peers_of, rounds, seconds):
    own = Server(easylife(binary, PORT), folder, PORT)
    text = load.Request(folder, "oip", PORT, "/v2/models/nlp/infer", oip("text", [TEXT]))
    original = load.Request(folder, "original", PORT, "/predict", {"text": TEXT})
    first_name = "easylife, Open Inference Protocol"
    servers = [(own, {first_name: text, "easylife, the platform's `/predict`": original}),
               *((server, {name: request}) for name, (server, request) in peers_of.items())]
    found, sizes = {}, {}
    for _ in range(rounds):
        for server, requests in servers:
            with server:
                for name, request in requests.items():
                    load.load(server, request, 1)
                    found.setdefault(name, []).append(load.load(server, request, seconds))
                    sizes[name] = memory(server.pid)
    lines = ["| one text of 60 words | CPU a request | requests a second | p99 | memory | CPU against easylife |",
             "|---|---|---|---|---|---|"]
    first = load.medians(found[first_name])
    for name, runs in found.items():
        one = load.medians(runs)
        lines.append(f"| {name} | {one.micros:.1f} µs | {one.rate:,.0f} | {one.p99:.1f} ms | {sizes[name]:.0f} MB | "
                     f"{one.micros / first.micros:.1f} x |")
    missed = lambda holds: "" if holds else " (missed)"
    return lines + ["", f"Demanded of the first row: 40 µs{missed(first.micros <= 40)}, stretch 25; 12,000 requests a "
                    f"second{missed(first.rate >= 12_000)}, stretch 20,000; p99 20 ms{missed(first.p99 <= 20)}."]
