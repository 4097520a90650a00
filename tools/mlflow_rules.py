"""What the mirror relies on of MLflow's server, asked of the real one (`tools/test-mlflow`).

Each rule is a claim of crates/registry/src/mlflow; a server that breaks one is told by name.
"""

import hashlib
import inspect
import json
import re
import socket
import urllib.error
import urllib.parse
import urllib.request

API = "/api/2.0/mlflow/"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


class Asker:
    """Plain requests, as the mirror sends them."""

    def __init__(self, uri):
        self.uri = uri

    def ask(self, method, path, body=None, raw=None):
        """Status and answer; JSON where it is some."""
        data = json.dumps(body).encode() if body is not None else raw
        request = urllib.request.Request(self.uri + path, data=data, method=method)
        request.add_header("content-type", "application/json" if raw is None else "application/octet-stream")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def post(self, endpoint, **body):
        return self.ask("POST", API + endpoint, body)

    def get(self, endpoint, **query):
        return self.ask("GET", f"{API}{endpoint}?{urllib.parse.urlencode(query)}")

    def run(self, experiment, tag):
        body = {"experiment_id": experiment, "run_name": "rules", "start_time": 1_000,
                "tags": [{"key": "easylife.run", "value": tag}]}
        return self.post("runs/create", **body)[1]["run"]["info"]

    def batch(self, run_id, **lists):
        return self.post("runs/log-batch", run_id=run_id, **{"metrics": [], "params": [], "tags": [], **lists})

    def history(self, run_id, key, **more):
        return self.get("metrics/get-history", run_id=run_id, metric_key=key, **more)[1]


def limits(says):
    from mlflow.utils import validation
    import uvicorn
    expected = {"MAX_ENTITY_KEY_LENGTH": 250, "MAX_PARAM_VAL_LENGTH": 6000, "MAX_TAG_VAL_LENGTH": 8000,
                "MAX_EXPERIMENT_NAME_LENGTH": 500, "MAX_DATASET_NAME_SIZE": 500, "MAX_DATASET_DIGEST_SIZE": 36,
                "MAX_INPUT_TAG_VALUE_SIZE": 500, "MAX_PARAMS_TAGS_PER_BATCH": 100, "MAX_METRICS_PER_BATCH": 1000,
                "MAX_BATCH_LOG_REQUEST_SIZE": 1_000_000, "MAX_REGISTERED_MODEL_ALIAS_LENGTH": 255}
    says("its limits are those of record.rs and send.rs",
         {name: getattr(validation, name) for name in expected} == expected)
    alive = inspect.signature(uvicorn.Config).parameters["timeout_keep_alive"].default
    says("it closes a connection after five seconds without a request", alive == 5)


def names(asker, experiment, says):
    run = asker.run(experiment, "rules-names")["run_id"]

    def status(key):
        return asker.batch(run, params=[{"key": key, "value": "1"}])[0]

    says("a key has letters, digits and _ - . : / space", status("Aé_-.:/ 9") == 200)
    for key in ("a?", "a//b", "../a", "/a", "a/.", "a%", "a\tb"):
        says(f"the key {key!r} is refused", status(key) == 400)
    for name in ("a/b", "a:b", " ", ".."):
        says(f"the model {name!r} is refused", asker.post("registered-models/create", name=name)[0] == 400)
    for alias in ("latest", "LATEST", "v1", "V12", "a b", "a/b", ""):
        answer = asker.post("registered-models/alias", name="rules", alias=alias, version="1")
        says(f"the alias {alias!r} is refused", answer[0] == 400)
    for path in ("../a", "a%2523b", "a/%252e%252e/b"):
        says(f"the artifact {path!r} is refused", asker.ask("PUT", f"{ARTIFACTS}/{path}", raw=b"x")[0] == 400)


def twice(asker, experiment, says):
    """What is asked twice changes nothing, or is refused."""
    run = asker.run(experiment, "rules-twice")["run_id"]
    metric = {"key": "m", "value": 0.1, "timestamp": 5, "step": 1}
    for _ in range(2):
        asker.batch(run, metrics=[metric, {**metric, "step": 2}], params=[{"key": "p", "value": "1"}],
                    tags=[{"key": "t", "value": "1"}])
        data = {"name": "d", "digest": "abc", "source_type": "local", "source": "{}"}
        asker.post("runs/log-inputs", run_id=run, datasets=[{"tags": [], "dataset": data}])
    found = asker.get("runs/get", run_id=run)[1]["run"]
    says("a metric is kept once", len(asker.history(run, "m")["metrics"]) == 2)
    says("a param with the same value is accepted", found["data"]["params"] == [{"key": "p", "value": "1"}])
    says("a dataset with the same name and digest is kept once", len(found["inputs"]["dataset_inputs"]) == 1)
    says("a param is not changed", asker.batch(run, params=[{"key": "p", "value": "2"}])[0] == 400)
    says("a tag is changed", asker.batch(run, tags=[{"key": "t", "value": "2"}])[0] == 200)
    asker.batch(run, params=[{"key": "long", "value": "é" * 6001}], tags=[{"key": "long", "value": "é" * 8001}])
    found = asker.get("runs/get", run_id=run)[1]["run"]["data"]
    values = {pair["key"]: pair["value"] for pair in found["params"] + found["tags"]}
    says("a tag is cut to its limit", values["long"] == "é" * 8000)
    says("a param is cut to its limit", {"key": "long", "value": "é" * 6000} in found["params"])
    says("a batch of 1001 metrics is refused",
         asker.batch(run, metrics=[{**metric, "step": step} for step in range(1001)])[0] == 400)


def reading(asker, experiment, says):
    run = asker.run(experiment, "rules-reading")
    run_id = run["run_id"]
    says("artifacts are behind the proxy by default", run["artifact_uri"].startswith("mlflow-artifacts:/"))
    says("a new run is found by its tag at once", [one["info"]["run_id"] for one in asker.post(
        "runs/search", experiment_ids=[experiment], filter="tags.`easylife.run` = 'rules-reading'",
        run_view_type="ACTIVE_ONLY", max_results=100)[1]["runs"]] == [run_id])
    nothing = asker.post("runs/search", experiment_ids=[experiment], filter="tags.`easylife.run` = 'nobody'",
                         run_view_type="ACTIVE_ONLY", max_results=100)
    says("a search that finds nothing answers an object", nothing == (200, {}))
    for step in (0, 1000):
        metrics = [{"key": "m", "value": 0.1, "timestamp": 5, "step": step + one} for one in range(1000)]
        asker.batch(run_id, metrics=metrics)
    says("20,000 metrics are given at once", len(asker.history(run_id, "m", max_results=20_000)["metrics"]) == 2000)
    page = asker.history(run_id, "m", max_results=1500)
    rest = asker.history(run_id, "m", max_results=1500, page_token=page["next_page_token"])
    says("a page token goes on where the page ended",
         len({one["step"] for one in page["metrics"] + rest["metrics"]}) == 2000)
    for endpoint, query in (("experiments/get-by-name", {"experiment_name": "nobody"}),
                            ("registered-models/get", {"name": "nobody"})):
        status, answer = asker.get(endpoint, **query)
        says(f"{endpoint} of none is RESOURCE_DOES_NOT_EXIST",
             (status, answer["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST"))


def artifacts(asker, port, experiment, says):
    root = asker.run(experiment, "rules-artifacts")["artifact_uri"].removeprefix("mlflow-artifacts:/")
    place = f"{ARTIFACTS}/{root}/a"

    def there():
        files = asker.ask("GET", f"{ARTIFACTS}?path={urllib.parse.quote(root)}")[1].get("files", [])
        return [(one["path"], one.get("file_size")) for one in files]

    says("a folder that is not there has no files", there() == [])
    asker.ask("PUT", place, raw=b"first" * 1000)
    answer = asker.ask("PUT", place, raw=b"second")
    says("an upload replaces the file", there() == [("a", 6)])
    says("an upload is answered with nothing", answer == (200, b""))
    with socket.create_connection(("127.0.0.1", port)) as cut:
        head = f"PUT {place} HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n"
        cut.sendall(head.encode() + b"x" * 50_000)
        cut.shutdown(socket.SHUT_WR)
        cut.settimeout(20)
        try:
            while cut.recv(1000):
                pass
        except OSError:
            pass
    size = there()[0][1]
    says("an upload that is cut is not whole, and leaves no file of its length", size in (6, 50_000))
    whole = b"y" * 100_000
    asker.ask("PUT", place, raw=whole)
    got = asker.ask("GET", place)[1]
    says("the next upload repairs it", hashlib.sha256(got).digest() == hashlib.sha256(whole).digest())


def registry(asker, experiment, says):
    run = asker.run(experiment, "rules-model")
    create = {"name": "rules", "run_id": run["run_id"], "source": run["artifact_uri"] + "/model",
              "tags": [{"key": "easylife.run", "value": "rules-model"}]}
    asker.post("registered-models/create", name="rules")
    again = asker.post("registered-models/create", name="rules")
    says("a model is not made twice", (again[0], again[1]["error_code"]) == (400, "RESOURCE_ALREADY_EXISTS"))
    made = [asker.post("model-versions/create", **create)[1]["model_version"]["version"] for _ in range(2)]
    says("a version is made twice, so that we must look first", made == ["1", "2"])
    for version in ("1", "1", "2"):
        asker.post("registered-models/alias", name="rules", alias="champion", version=version)
    model = asker.get("registered-models/get", name="rules")[1]["registered_model"]
    says("an alias points to one version", [(one["alias"], one["version"]) for one in model["aliases"]]
         == [("champion", "2")])
    asker.ask("DELETE", API + "model-versions/delete", {"name": "rules", "version": "1"})
    for by in (f"run_id = '{run['run_id']}'", "tags.`easylife.run` = 'rules-model'"):
        found = asker.get("model-versions/search", filter=by, max_results=1000)[1]
        says(f"versions are found by {by[:10]}", [one["version"] for one in found["model_versions"]] == ["2"])
    for times in ("once", "twice"):
        removed = asker.ask("DELETE", API + "registered-models/alias", {"name": "rules", "alias": "champion"})
        says(f"an alias is removed {times}", removed[0] == 200)
    says("no alias is left", "aliases" not in asker.get("registered-models/get", name="rules")[1]["registered_model"])


def check(uri):
    """Returns the rules that the server at `uri` breaks."""
    asker, broken, count = Asker(uri), [], 0

    def says(rule, holds):
        nonlocal count
        count += 1
        if not holds:
            broken.append(f"MLflow does not keep the rule: {rule}")

    experiment = asker.post("experiments/create", name="rules of MLflow")[1]["experiment_id"]
    limits(says)
    names(asker, experiment, says)
    twice(asker, experiment, says)
    reading(asker, experiment, says)
    artifacts(asker, int(re.search(r":(\d+)$", uri).group(1)), experiment, says)
    registry(asker, experiment, says)
    print(f"rules of MLflow that the mirror relies on: {count - len(broken)} of {count} hold", flush=True)
    return broken
