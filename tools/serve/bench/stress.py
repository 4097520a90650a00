"""More than a server can do, clients that are slow, and a shadow: what becomes of good requests beside them."""

import collections
import csv
import os
import re
import select
import shutil
import socket
import statistics
import subprocess
import time

from serve.bench import load, tasks
from serve.bench.life import PORT
from serve.bench.process import Server, allow_many_files, ask, easylife

# Requests a second that steady.py sends without being late.
CLIENT = 4500


def batch(folder, rows=1000):
    """Texts of the sample, as a request of the Open Inference Protocol."""
    with open(folder / "data/raw/nlp/incoming.csv", newline="", encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    texts = (texts * (rows // len(texts) + 1))[:rows]
    return {"inputs": [{"name": "text", "shape": [rows], "datatype": "BYTES", "data": texts}]}


def overload(results, binary, folder, requests, short):
    """Four times as many requests as can be answered. The server has a core of its own, the client another: else what
    the client takes for the excess would be missing from the answers."""
    seconds = 2 if short else 15
    cores = sorted(os.sched_getaffinity(0))
    ours, theirs = (["taskset", "-c", str(core)] for core in (cores[0], cores[-1]))
    for what, request in requests.items():
        with Server([*ours, *easylife(binary, PORT)], folder, PORT) as server:
            # Fewer than the pool runs and lets wait: nothing is refused.
            load.Wrk(request.url, request.script, 1, tasks.PHOTOS, theirs).finish()
            peak = load.Wrk(request.url, request.script, seconds, tasks.PHOTOS, theirs).finish()
            rate = min(4 * peak.rate, CLIENT)
            offered = load.Steady(request, rate, seconds, connections=4000, pinned=theirs).finish()
            after = load.Wrk(request.url, request.script, 1, tasks.PHOTOS, theirs).finish()
        results.must(not (peak.refused or peak.broken), f"{what}, {tasks.PHOTOS} at once: {peak.said}")
        results.must(not (after.refused or after.broken), f"{what}, after the excess: {after.said}")
        statuses = offered["statuses"]
        results.must(set(statuses) <= {200, 503} and not offered["failures"], f"{what}, in excess: {offered}")
        nothing = {"count": 0, "p99": 0.0, "p99_sent": 0.0, "p50": 0.0}
        good, shed = statuses.get(200, nothing), statuses.get(503, nothing)
        goodput = good["count"] / offered["seconds"]
        results.add(f"{what}: {rate:,.0f} a second offered, {rate / peak.rate:.1f} times what one core can do",
                    f"{goodput:,.1f} answered a second, {100 * goodput / peak.rate:.0f} % of the peak of "
                    f"{peak.rate:,.1f}; p99 of those {good['p99']:.0f} ms", "90 %", goodput >= 0.9 * peak.rate)
        results.add(f"{what}: the {shed['count']:,} that were refused",
                    f"p99 {shed['p99_sent']:.2f} ms from the first byte sent, median {shed['p50']:.2f} ms (p99 of how "
                    f"late the client was itself: {offered['late_p99']:.2f} ms)", "2 ms", 0 < shed["p99_sent"] <= 2)


SLOW = {
    "heads (-H)": ["-H", "-u", "{base}/v2/health/live"],
    "bodies (-B)": ["-B", "-u", "{base}/v2/models/nlp/infer", "-f", "application/json", "-s", "8192"],
    "ranges (-R)": ["-R", "-u", "{base}/openapi.yaml", "-t", "GET"],
    "reading (-X)": ["-X", "-u", "{base}/openapi.yaml", "-n", "5", "-z", "32", "-w", "512", "-y", "1024", "-k", "3"],
}


def slow(results, binary, folder, request, short):
    """1,000 slow connections beside good requests, then silent ones."""
    connections, seconds, rate = (200, 4, 200) if short else (1000, 20, 1000)
    tool = shutil.which("slowhttptest")
    with Server(easylife(binary, PORT, "nlp"), folder, PORT):
        base = f"http://127.0.0.1:{PORT}"
        alone = load.Steady(request, rate, 2 if short else 5).finish()
        for name, words in SLOW.items() if tool else ():
            words = [tool, *(word.format(base=base) for word in words), "-c", connections, "-r", connections // 4,
                     "-i", 5, "-v", 1]
            good = load.Steady(request, rate, seconds)
            end = time.monotonic() + seconds - 1
            time.sleep(1)
            # It ends when all its connections have been closed: then they come anew.
            while (left := round(end - time.monotonic())) > 0:
                subprocess.run([str(word) for word in (*words, "-l", left)], cwd=folder, stdout=subprocess.DEVNULL)
            found = good.finish()
            what = f"{connections:,} connections with slow {name} beside {rate:,} good requests a second"
            bad = load.failed(found)
            results.must(bad == 0, f"{what}: {found}")
            results.add(what, f"p99 of the good ones {found['statuses'][200]['p99']:.2f} ms, {bad} failed (alone "
                        f"{alone['statuses'][200]['p99']:.2f} ms)", "50 ms, none failed",
                        bad == 0 and found["statuses"][200]["p99"] <= 50)
        if not tool:
            results.add(f"{connections:,} slow connections", "not measured: no slowhttptest", "50 ms", False)
        silent(results, request, short)


def silent(results, request, short):
    """Sockets that say nothing, until the server has closed them."""
    count = min(500 if short else 5000, allow_many_files() - 500)
    poll, opened = select.epoll(), {}
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", PORT))
        poll.register(one, select.EPOLLIN)
        opened[one.fileno()] = one
    begin = last = time.perf_counter()
    # What is asked for beside them is answered.
    beside = load.Steady(request, 100, 2).finish()
    results.must(load.failed(beside) == 0, f"beside silent connections: {beside}")
    while opened and time.perf_counter() - begin < 20:
        for number, _ in poll.poll(0.5):
            # Nothing but an end comes.
            opened.pop(number).close()
            last = time.perf_counter()
    left = len(opened)
    for one in opened.values():
        one.close()
    results.must(left == 0, f"{left} of {count} silent connections are still open")
    results.add(f"{count:,} silent connections", f"the last one was closed after {last - begin:.1f} s", "15 s",
                left == 0 and last - begin <= 15)


def shadow(results, binary, folder, request, models, short):
    """The same requests with and without a model that answers in the shadow, at half of what goes through."""
    said = subprocess.run([binary, "serve", "--help"], check=True, text=True, stdout=subprocess.PIPE).stdout
    if "--shadow" not in said:
        results.add("a shadow, at half of the capacity", "not measured: `serve` has none yet", "p99 + 5 %", False)
        return
    rounds, seconds = (1, 2) if short else (5, 8)
    own = easylife(binary, PORT, "nlp", "-m", f"nlp={models[0]}")
    commands = {"alone": own, "shadowed": [*own, "-m", f"nlp@next={models[1]}", "--shadow", "nlp@next"]}
    with Server(commands["shadowed"], folder, PORT) as server:
        capacity = load.load(server, request, seconds).rate
    # wrk waits between requests: 100 connections, so many milliseconds each.
    script = load.pace(folder / "pace.lua", request, 100 / (capacity / 2) * 1000)
    found, copies = {name: [] for name in commands}, collections.Counter()
    for turn in range(rounds):
        for name in sorted(commands, reverse=turn % 2 == 1):
            with Server(commands[name], folder, PORT) as server:
                load.load(server, request, 1, script)
                found[name].append(load.load(server, request, seconds, script))
                if name == "shadowed":
                    for line in ask(PORT, "GET", "/metrics")[1].decode().splitlines():
                        if line.startswith("easylife_shadow_requests_total"):
                            copies[re.search(r'outcome="(\w+)"', line)[1]] += int(float(line.split()[-1]))
    results.must(sum(copies.values()) > 0, "shadow: it had no copies")
    alone, shadowed = (load.medians(found[name]) for name in ("alone", "shadowed"))
    results.add(f"a shadow, at {shadowed.rate:,.0f} a second of {capacity:,.0f} (median of {rounds})",
                f"p99 {shadowed.p99:.2f} ms and {alone.p99:.2f} without, "
                f"{100 * (shadowed.p99 / alone.p99 - 1):+.0f} %; CPU {shadowed.micros:.1f} and {alone.micros:.1f} µs; "
                "copies: "
                + ", ".join(f"{count:,} {name}" for name, count in copies.items() if count),
                "p99 + 5 %", shadowed.p99 <= 1.05 * alone.p99)
