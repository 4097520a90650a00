"""A project mirrored by the command line: train, evaluate, add, promote; read back by MLflow's client.

Part of tools/test-mlflow.
"""

import json
import os
import pathlib
import subprocess
import time


def check(binary, server, folder):
    """Problems, a sentence each."""
    project = folder / "project"
    env = {**os.environ, "MLFLOW_TRACKING_URI": server.uri}

    def easylife(*words, **more):
        done = subprocess.run([str(binary), *words], cwd=project if project.exists() else folder, env={**env, **more},
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode:
            raise SystemExit(f"easylife {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    easylife("init", "project", MLFLOW_TRACKING_URI="")
    for words in (("sample", "nlp", "-q"), ("prepare", "nlp", "-q")):
        easylife(*words)
    start = time.perf_counter()
    easylife("train", "nlp", "-q")
    easylife("evaluate", "nlp", "-q")
    easylife("registry", "add", "nlp", "-q")
    easylife("registry", "promote", "nlp@champion", "1", "-q")
    seconds = time.perf_counter() - start
    for _ in range(200):
        done = subprocess.run([str(binary), "runs", "sync", "-q"], cwd=project, env=env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        waiting = [path.name for path in (project / ".easylife" / "mlflow").iterdir() if not path.name.startswith(".")]
        if done.returncode == 0 and not waiting:
            break
        time.sleep(0.2)  # the process that the verbs started may be sending
    else:
        return [f"not sent: {waiting}: {done.stdout}"]

    import mlflow
    # Another server was asked before, and the client remembers it.
    mlflow.set_tracking_uri(server.uri)
    mlflow.set_registry_uri(server.uri)
    client = mlflow.MlflowClient(server.uri)
    problems = []
    experiment = next(one for one in client.search_experiments() if one.name == "nlp_sentiment")
    runs = {run.data.tags["easylife.verb"]: run
            for run in client.search_runs([experiment.experiment_id], "tags.`easylife.verb` != ''")}
    metrics = json.loads((project / "metrics" / "nlp.json").read_text())
    recorded = {run["verb"]: run for run in json.loads(easylife("--json", "runs"))["runs"]}
    for verb in ("train", "evaluate"):
        run, ours = runs[verb], recorded[verb]
        if run.data.tags["easylife.run"] != ours["id"] or run.info.run_name != "baseline-tfidf-logreg":
            problems.append(f"{verb}: {run.data.tags}, {run.info.run_name}")
        if run.data.params["nlp.split.test"] != str(ours["params"]["nlp.split.test"]):
            problems.append(f"{verb}: nlp.split.test is {run.data.params['nlp.split.test']}")
        data = run.inputs.dataset_inputs[0].dataset
        if data.digest != ours["digests"]["data"][0]["sha256"][:36]:
            problems.append(f"{verb}: the dataset's digest is {data.digest}")
    for name in ("accuracy", "log_loss"):
        if runs["evaluate"].data.metrics[name] != metrics[name]:
            problems.append(f"{name} is {runs['evaluate'].data.metrics[name]}, not {metrics[name]}")
    back = folder / "cli-back"
    for name in ("reports/nlp.html", "metrics/nlp.json", "models/nlp.safetensors"):
        path = client.download_artifacts(runs["evaluate"].info.run_id, name, dst_path=str(make(back)))
        if open(path, "rb").read() != (project / name).read_bytes():
            problems.append(f"the artifact {name} has other bytes")
    version = client.get_model_version_by_alias("nlp", "champion")
    path = mlflow.artifacts.download_artifacts(f"models:/nlp/{version.version}", dst_path=str(make(folder / "cli-model")),
                                               tracking_uri=server.uri)
    models = list(pathlib.Path(path).rglob("nlp.safetensors"))
    if [model.read_bytes() for model in models] != [(project / "models" / "nlp.safetensors").read_bytes()]:
        problems.append("models:/nlp@champion has other bytes")
    print(f"a project by the command line: {len(runs)} runs, champion is version {version.version}, "
          f"{seconds:.2f} s for four verbs", flush=True)
    return problems


def make(folder):
    folder.mkdir(exist_ok=True)
    return folder
