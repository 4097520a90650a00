"""Load: by wrk, as much as goes through; by tools/serve/steady.py, at a constant rate; by slowhttptest, slowly."""

import json
import re
import signal
import statistics
import subprocess
import sys

from serve.bench.process import REPO, cpu

UNITS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}


class Request:
    """A request, as a script for wrk and as a file for steady.py, and how many of it may be asked at once."""

    def __init__(self, folder, name, port, path, body, content_type="application/json", at_once=100):
        self.at_once = at_once
        self.url, self.port, self.path = f"http://127.0.0.1:{port}{path}", port, path
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.script, self.file, body_file = (folder / f"{name}.{end}" for end in ("lua", "request", "body"))
        body_file.write_bytes(self.body)
        self.file.write_bytes(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {content_type}\r\n"
                              f"Content-Length: {len(self.body)}\r\n\r\n".encode() + self.body)
        self.script.write_text(
            f'local file = io.open("{body_file}", "rb")\nwrk.method = "POST"\nwrk.body = file:read("*a")\n'
            f'file:close()\nwrk.headers["Content-Type"] = "{content_type}"\n', encoding="ascii")


def mix(file, requests):
    """A script for wrk that sends several requests in turn."""
    lines = ["local parts = {}", "function init()"]
    for request in requests:
        body = str(request.script.with_suffix(".body"))
        lines += [f'  local file = io.open("{body}", "rb")', '  local body = file:read("*a")', "  file:close()",
                  f'  parts[#parts + 1] = wrk.format("POST", "{request.path}", '
                  '{["Content-Type"] = "application/json"}, body)']
    lines += ["end", "local turn = 0", "function request()", "  turn = turn % #parts + 1", "  return parts[turn]",
              "end"]
    file.write_text("\n".join(lines) + "\n", encoding="ascii")
    return file


def pace(file, request, milliseconds):
    """A script for wrk that waits between two requests of a connection, on average that long."""
    file.write_text(request.script.read_text() +
                    f"function delay() return math.random(0, {round(2 * milliseconds)}) end\n", encoding="ascii")
    return file


class Load(tuple):
    """Of a run of wrk: CPU microseconds a request, requests a second, p99 in milliseconds."""

    micros = property(lambda self: self[0])
    rate = property(lambda self: self[1])
    p99 = property(lambda self: self[2])


class Wrk:
    """wrk while it runs."""

    def __init__(self, url, script, seconds, connections=100, pinned=()):
        self.url = url
        self.process = subprocess.Popen(
            [*pinned, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s", "-s", script,
             url],
            text=True, stdout=subprocess.PIPE)

    def stop(self):
        """Ends it before its time."""
        self.process.send_signal(signal.SIGINT)
        return self.finish()

    def finish(self):
        """Waits for its end. The request count, the failed ones, the rate of answers, p99."""
        said = self.process.communicate()[0]
        if self.process.returncode != 0:
            raise SystemExit(f"wrk {self.url}: {said}")
        self.said = said
        self.count = int(re.search(r"(\d+) requests in", said)[1])
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
        broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
        self.refused = int(bad[1]) if bad else 0
        self.broken = sum(int(number) for number in broken.groups()) if broken else 0
        self.rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
        p99 = re.search(r"99%\s+([\d.]+)(us|ms|s|m)", said)
        self.p99 = float(p99[1]) * UNITS[p99[2]]
        return self


def load(server, request, seconds, script=None):
    """What a request costs the server, and how fast it is answered; none may fail."""
    before = cpu(server.pid)
    done = Wrk(request.url, script or request.script, seconds, request.at_once).finish()
    spent = cpu(server.pid) - before
    if done.refused or done.broken:
        raise SystemExit(f"{request.url}: {done.said}")
    return Load((spent / done.count * 1e6, done.rate, done.p99))


def medians(runs):
    return Load(statistics.median(column) for column in zip(*runs))


class Steady:
    """steady.py while it runs."""

    def __init__(self, request, rate, seconds, answers=(), connections=50, pinned=()):
        words = [*pinned, sys.executable, REPO / "tools/serve/steady.py", request.port, rate, seconds, request.file,
                 "--connections", connections, *(word for answer in answers for word in ("--answer", answer))]
        self.process = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.finish()

    def finish(self):
        """Waits for its end, and returns what it prints; see there."""
        said = self.process.communicate()[0]
        if self.process.returncode != 0:
            raise SystemExit("steady.py failed")
        found = json.loads(said)
        found["statuses"] = {int(status): figures for status, figures in found["statuses"].items()}
        return found


def failed(found):
    """How many requests of steady.py were not answered with 200, or with what they should not be."""
    refused = sum(figures["count"] for status, figures in found["statuses"].items() if status != 200)
    return refused + sum(found["failures"].values()) + found["answers"].get("neither", 0)
