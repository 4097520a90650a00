"""Start, reloads, memory, restarts: that nobody notices them."""

import collections
import os
import pathlib
import pwd
import re
import shutil
import signal
import statistics
import subprocess
import time

from serve.bench import load
from serve.bench.process import Server, ask, easylife, memory, version

PORT, OTHER, FRONT = 9080, 9085, 9086


def started(command, folder, request):
    """Seconds from the start of a process to its first 200, of an answer of the model."""
    with open(folder / "start.log", "w", encoding="utf-8") as log:
        begin = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], cwd=folder, stderr=log)
        try:
            while process.poll() is None:
                try:
                    if ask(request.port, "POST", request.path, request.body)[0] == 200:
                        return time.perf_counter() - begin
                except OSError:
                    pass
                time.sleep(0.0005)
            raise SystemExit(f"a server does not start: {(folder / 'start.log').read_text()}")
        finally:
            process.kill()
            process.wait()


def start(results, binary, folder, request, models, short):
    """From exec to the first answer."""
    alone = folder / "alone"
    alone.mkdir()
    command = easylife(binary, PORT, "nlp", "-m", f"nlp={models[0]}")
    rounds = 3 if short else 10
    times = [started(command, alone, request) * 1000 for _ in range(rounds)]
    middle = statistics.median(times)
    results.add(f"from the start of the process to its first answer, a model of {size(models[0])}, median of {rounds}",
                f"{middle:.0f} ms (longest {max(times):.0f} ms)", "50 ms", middle <= 50)


def size(file):
    return f"{file.stat().st_size / 1e6:.1f} MB"


def put(model, place):
    """A model file in place of another, as `train` does it; a link, since copying would be felt by the server."""
    new = place.with_suffix(".new")
    os.link(model, new)
    os.replace(new, place)


def reload(server, model, place, expected):
    """Puts a model in place and waits until it serves."""
    put(model, place)
    server.process.send_signal(signal.SIGHUP)
    begin = time.perf_counter()
    while version(server.port) != expected:
        if time.perf_counter() - begin > 20:
            return False
        time.sleep(0.01)
    return True


def reloads(results, binary, folder, request, models, short):
    """One model after the other under 5,000 requests a second, beside as long a time without."""
    count, rate, quiet_time = (5, 2000, 2) if short else (50, 5000, 10)
    place = folder / "reloaded.safetensors"
    put(models[1], place)
    command = easylife(binary, PORT, "nlp", "-m", f"nlp={place}", "--reload-interval", "0")
    answers, versions = [], []
    with Server(command, folder, PORT) as server:
        for number, model in ((1, models[1]), (0, models[0])):
            if number == 0:
                before = version(PORT)
                put(model, place)
                server.process.send_signal(signal.SIGHUP)
                wait_for(lambda: version(PORT) != before)
            versions.insert(0, version(PORT))
            answers.insert(0, folder / f"answer-{number}.json")
            answers[0].write_bytes(ask(PORT, "POST", request.path, request.body)[1])
        results.must(answers[0].read_bytes() != answers[1].read_bytes(), "reloads: both models answer the same")
        steady = lambda seconds: load.Steady(request, rate, seconds, answers)
        steady(1).finish()
        quiet = [steady(quiet_time).finish()]
        running = steady(3600)
        time.sleep(0.2)
        done = 0
        for number in range(count):
            turn = (number + 1) % 2
            done += reload(server, models[turn], place, versions[turn])
            time.sleep(0.2)
        busy = running.stop()
        quiet.append(steady(quiet_time).finish())
    what = f"{count} reloads of {size(models[0])} under {rate:,} requests a second"
    results.must(done == count, f"{what}: only {done} came to serve")
    results.must(len(busy["answers"]) == 2, f"{what}: answers came from {busy['answers']}")
    bad = sum(load.failed(found) for found in (busy, *quiet))
    results.must(bad == 0, f"{what}: {busy}, {quiet}")
    p99 = lambda found: found["statuses"][200]["p99"]
    before, during = statistics.mean(map(p99, quiet)), p99(busy)
    sent = sum(found["sent"] for found in (busy, *quiet))
    results.add(what, f"{bad} of {sent:,} requests failed or were not answered wholly by one of both models; "
                f"p99 {during:.2f} ms, without reloads {before:.2f} ms (longest {busy['statuses'][200]['longest']:.1f} "
                f"and {max(found['statuses'][200]['longest'] for found in quiet):.1f} ms)",
                "none failed, p99 at most doubled", bad == 0 and during <= 2 * before)


def wait_for(holds, limit=20):
    begin = time.perf_counter()
    while not holds():
        if time.perf_counter() - begin > limit:
            raise SystemExit("a server does not do what it should")
        time.sleep(0.005)


def loads(port):
    """How often models were loaded, all together."""
    lines = ask(port, "GET", "/metrics")[1].decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("easylife_loads_total"))


def memory_flat(results, binary, folder, requests, short):
    """Memory through reloads of all four models, and through many requests. What one reload leaves behind differs from
    that of the next by a tenth and more, so medians of many are compared."""
    window, count, total, seconds = (10, 20, 20_000, 1) if short else (100, 500, 10_000_000, 30)
    script = load.mix(folder / "mix.lua", [requests["nlp"]] * 8 + [requests["ts"], requests["recsys"]])
    with Server(easylife(binary, PORT, "--reload-interval", "0"), folder, PORT) as server:

        def after_reload():
            before = loads(PORT)
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: loads(PORT) >= before + 4)
            return memory(server.pid)

        for request in requests.values():
            load.load(server, request, 1)
        none = memory(server.pid)
        sizes = [after_reload() for _ in range(window + count)]
        first, last = statistics.median(sizes[:window]), statistics.median(sizes[-window:])
        answered, flat = 0, []
        while answered < total:
            done = load.Wrk(requests["nlp"].url, script, seconds).finish()
            if done.refused or done.broken:
                results.must(False, f"memory: {done.said}")
                break
            answered += done.count
            flat.append(memory(server.pid))
    results.add(f"memory of four models, median of the first {window} reloads of all and of {window} after {count}",
                f"{first:.1f} MB and {last:.1f} MB, at most {max(sizes):.1f} MB; before the first {none:.1f} MB",
                "2 % more", last <= 1.02 * first)
    if flat:
        results.add(f"memory after {answered / len(flat):,.0f} requests, and after {answered:,}",
                    f"{flat[0]:.1f} MB and {flat[-1]:.1f} MB", "2 % more", flat[-1] <= 1.02 * flat[0])


NGINX = """
{user}
worker_processes 1;
pid nginx.pid;
error_log nginx-error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  upstream models {{
    server 127.0.0.1:{first} fail_timeout=1s;
    server 127.0.0.1:{second} fail_timeout=1s;
    keepalive 32;
  }}
  server {{
    listen 127.0.0.1:{front};
    location / {{ proxy_pass http://models; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


def complaints(log):
    """How often nginx says what about the servers behind it. It asks the other one where it cannot connect."""
    return collections.Counter(re.findall(r"\[error\] .*?: \*\d+ (.*?), client", log.read_text()))


def restarts(results, binary, folder, request, short):
    """One of two servers after the other, behind nginx, while wrk sends as much as goes through."""
    count = 3 if short else 100
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    what = f"{count} restarts, two servers behind nginx, by SIGTERM and `--drain-delay 1s`"
    if not pathlib.Path(nginx).exists():
        results.add(what, "not measured: no nginx", "no request failed", False)
        return
    config = folder / "nginx.conf"
    user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
    config.write_text(NGINX.format(user=user, first=PORT, second=OTHER, front=FRONT), encoding="ascii")
    servers = {port: Server(easylife(binary, port, "nlp", drain="1s"), folder, port) for port in (PORT, OTHER)}
    for server in servers.values():
        server.__enter__()
    front = Server([nginx, "-p", folder, "-e", "nginx-error.log", "-c", config, "-g", "daemon off;"], folder, FRONT)
    codes = []
    try:
        with front:
            through = load.Wrk(f"http://127.0.0.1:{FRONT}{request.path}", request.script, 3600, 50)
            for number in range(count):
                port = (PORT, OTHER)[number % 2]
                codes.append(servers[port].end(signal.SIGTERM))
                servers[port].__enter__()
                # nginx asks it again after fail_timeout.
                time.sleep(1.5)
            through.stop()
    finally:
        for server in servers.values():
            server.__exit__()
    bad = through.refused + through.broken
    results.must(set(codes) == {0}, f"{what}: exit codes {sorted(set(codes))}")
    results.must(bad == 0, f"{what}: {bad} failed; nginx says {dict(complaints(folder / 'nginx-error.log'))}")
    results.add(what, f"{bad} of {through.count:,} requests failed, {through.rate:,.0f} a second", "no request failed",
                bad == 0)
