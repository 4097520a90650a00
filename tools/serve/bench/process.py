"""Servers as processes: started, asked whether they are ready, looked at, ended."""

import http.client
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import time

REPO = pathlib.Path(__file__).resolve().parents[3]
TICK = os.sysconf("SC_CLK_TCK")


def venv(name):
    found = subprocess.run([sys.executable, REPO / "tools" / "venv", name], check=True, text=True,
                           stdout=subprocess.PIPE)
    return pathlib.Path(found.stdout.strip()) / "bin"


def allow_many_files():
    """As many open files as may be, for this process and those that it starts."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def tree(pid):
    """A process and all below it."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    found = [pid]
    for child in children.read_text().split() if children.exists() else []:
        found += tree(int(child))
    return found


def cpu(pid):
    """CPU seconds so far of a process and all below it."""
    total = 0
    for one in tree(pid):
        try:
            fields = pathlib.Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        except OSError:
            pass
    return total / TICK


def memory(pid):
    """MB resident of a process and all below it."""
    total = 0
    for one in tree(pid):
        try:
            status = pathlib.Path(f"/proc/{one}/status").read_text()
            total += int(re.search(r"VmRSS:\s+(\d+)", status)[1])
        except (OSError, TypeError):
            pass
    return total / 1024


def ask(port, method, path, body=None):
    """One request on a connection of its own: status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class Server:
    """A server process, from when it is ready until it is left. It may be entered again."""

    def __init__(self, command, cwd, port, ready="/v2/health/ready", env=None):
        self.command, self.cwd, self.port, self.ready, self.env = command, cwd, port, ready, env
        self.log, self.process = cwd / f"server-{port}.log", None

    def __enter__(self):
        start = time.perf_counter()
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([str(word) for word in self.command], cwd=self.cwd, stdout=log, stderr=log,
                                            env={**os.environ, **(self.env or {})})
        while time.perf_counter() - start < 120:
            try:
                if ask(self.port, "GET", self.ready)[0] == 200:
                    return self
            except (OSError, http.client.HTTPException):
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.005)
        self.process.kill()
        raise SystemExit(f"a server does not start: {self.log.read_text()[-3000:]}")

    def __exit__(self, *_):
        self.end(signal.SIGINT)

    def end(self, sign):
        """Ends it in order; its exit code."""
        self.process.send_signal(sign)
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    @property
    def pid(self):
        return self.process.pid


def easylife(binary, port, *more, drain="0s"):
    """The command of a server of ours, with all that is on where it serves: metrics and access log."""
    return [binary, "serve", "--listen", f"127.0.0.1:{port}", "--access-log", f"access-{port}.log",
            "--drain-delay", drain, *more]


def version(port, model="nlp"):
    """The version of a model that serves now."""
    return json.loads(ask(port, "GET", f"/v2/models/{model}")[1])["versions"][0]
