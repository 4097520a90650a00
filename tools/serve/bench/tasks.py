"""What a request costs beside what the scorer costs by itself, task by task."""

import json
import subprocess

from serve.bench import load
from serve.bench.models import TEXT
from serve.bench.peers import PORT, oip
from serve.bench.process import Server, easylife, memory

# Photos that may run and wait on one core, and a few less: more are refused.
PHOTOS = 16


def form(content):
    head = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    return head + content + b"\r\n--cut--\r\n"


def requests_of(folder, photo_file, user):
    """Task -> a request of a usual size."""
    return {
        "nlp": load.Request(folder, "nlp", PORT, "/v2/models/nlp/infer", oip("text", [TEXT])),
        "cv": load.Request(folder, "cv", PORT, "/predict_image", form(photo_file.read_bytes()),
                           "multipart/form-data; boundary=cut", PHOTOS),
        "ts": load.Request(folder, "ts", PORT, "/forecast", {"horizon": 14}),
        "recsys": load.Request(folder, "recsys", PORT, "/recommendations", {"user_id": user, "top_k": 10}),
    }


def table_of_tasks(folder, binary, alone, requests, photo_file, rounds, seconds):
    kilobytes = photo_file.stat().st_size / 1000
    what = {"nlp": "a text of 60 words", "cv": f"a JPEG of 640 × 480, {kilobytes:.0f} kB, {PHOTOS} at once",
            "ts": "14 steps", "recsys": "ten items"}
    found = {task: [] for task in requests}
    with Server(easylife(binary, PORT), folder, PORT) as server:
        for _ in range(rounds):
            for task, request in requests.items():
                load.load(server, request, 1)
                found[task].append(load.load(server, request, seconds))
        size = memory(server.pid)
    lines = ["| | CPU a request | of the scorer alone | more than it (demanded 40 µs, stretch 20 µs) | requests a "
             "second | p99 |", "|---|---|---|---|---|---|"]
    for task in requests:
        one = load.medians(found[task])
        more = one.micros - alone[task]
        lines.append(f"| {task}, {what[task]} | {one.micros:.1f} µs | {alone[task]:.1f} µs | {more:.1f} µs"
                     f"{'' if more <= 40 else ' (missed)'} | {one.rate:,.0f} | {one.p99:.1f} ms |")
    return lines + ["", f"Memory after all of it, four models: {size:.0f} MB (demanded 80 MB"
                    f"{'' if size <= 80 else ', missed'}, stretch 60 MB)."]


def scorers(binary, folder, photo_file):
    """What the scorers cost by themselves, in microseconds, and a user of the sample (examples/score_time.rs)."""
    return json.loads(subprocess.run([binary, folder, TEXT, photo_file], check=True, text=True,
                                     stdout=subprocess.PIPE).stdout)
