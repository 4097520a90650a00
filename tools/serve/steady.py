"""Sends a request at a constant rate, whatever becomes of the answers, and says what became of them.

usage: steady.py PORT RATE SECONDS REQUEST_FILE [--answer FILE]... [--connections N]

REQUEST_FILE has the bytes of a whole request. It is due every 1/RATE seconds; where all connections wait for answers,
another one is opened, up to N (50 to begin with), and after that requests wait, which counts as their time. Latencies
are from when a request was due, and for statuses other than 200 also from when its first byte was sent: what this
program is late itself is no time of the server. With --answer the body of every 200 must be that of one of the files.
SIGINT ends it early. Prints JSON; a request fails where its connection breaks before a whole answer.
"""

import argparse
import array
import collections
import errno
import gc
import json
import pathlib
import select
import signal
import socket
import sys
import time

now = time.perf_counter
# Seconds that the last answers are waited for.
PATIENCE = 20


class Connection:
    """A connection, and the request that it carries, if any."""

    def __init__(self, client):
        self.client = client
        self.socket = None
        self.due = self.sent = 0.0
        self.unsent = self.received = None

    def open(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = self.socket.connect_ex(("127.0.0.1", self.client.port))
        if code not in (0, errno.EINPROGRESS):
            return False
        self.client.watch(self)
        return True

    def close(self):
        if self.socket:
            self.client.forget(self)
            self.socket.close()
            self.socket = None

    def begin(self, due):
        self.due, self.sent = due, now()
        self.unsent, self.received = self.client.request, b""
        if self.socket or self.open():
            self.send()
        else:
            self.fail("cannot connect")

    def send(self):
        try:
            sent = self.socket.send(self.unsent)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            # An answer may have come all the same.
            return self.read() or self.unsent is None or self.fail(errno.errorcode.get(error.errno, "error"))
        waits = sent < len(self.unsent)
        self.unsent = self.unsent[sent:] if waits else b""
        self.client.want_to_send(self, waits)

    def happened(self, event):
        if event & ~select.EPOLLOUT:
            self.read()
        if self.socket and self.unsent:
            self.send()

    def read(self):
        """Reads what is there; true once an answer is whole."""
        try:
            data = self.socket.recv(1 << 16)
        except BlockingIOError:
            return False
        except OSError as error:
            return self.lost(errno.errorcode.get(error.errno, "error"))
        if not data:
            return self.lost("closed before an answer")
        if self.unsent is None:
            # Nobody asked: an answer to a connection that waited for too long.
            return self.close()
        self.received = self.received + data if self.received else data
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end:
            return False
        head = head.lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(body) < length:
            return False
        was_whole, self.unsent = not self.unsent, None
        self.client.answered(self, int(head[9:12]), body)
        if b"connection: close" in head or not was_whole:
            self.close()
        self.client.idle.append(self)
        return True

    def lost(self, reason):
        if self.unsent is None:
            # Between requests: as servers do with idle connections.
            self.close()
        else:
            self.fail(reason)
        return False

    def fail(self, reason):
        self.unsent = None
        self.close()
        self.client.failures[reason] += 1
        self.client.idle.append(self)


class Client:
    """All connections, and what is counted."""

    def __init__(self, asked):
        self.port, self.request = asked.port, memoryview(pathlib.Path(asked.request).read_bytes())
        self.answers = {pathlib.Path(name).read_bytes(): name for name in asked.answer}
        self.poll, self.by_number, self.sending = select.epoll(), {}, set()
        self.most = max(asked.connections, 50)
        self.all = [Connection(self) for _ in range(50)]
        self.idle = collections.deque(self.all)
        self.since_due, self.since_sent = {}, {}
        self.late = array.array("d")
        self.failures, self.kinds = collections.Counter(), collections.Counter()

    def watch(self, one):
        self.by_number[one.socket.fileno()] = one
        self.poll.register(one.socket, select.EPOLLIN)

    def forget(self, one):
        del self.by_number[one.socket.fileno()]
        self.poll.unregister(one.socket)
        self.sending.discard(one)

    def want_to_send(self, one, waits):
        if waits != (one in self.sending):
            (self.sending.add if waits else self.sending.discard)(one)
            self.poll.modify(one.socket, select.EPOLLIN | (select.EPOLLOUT if waits else 0))

    def answered(self, one, status, body):
        end = now()
        self.since_due.setdefault(status, array.array("d")).append(end - one.due)
        self.since_sent.setdefault(status, array.array("d")).append(end - one.sent)
        if self.answers and status == 200:
            self.kinds[self.answers.get(body, "neither")] += 1

    def next_connection(self):
        """The connection that was used last: few are busy, the others stay as they are."""
        if self.idle:
            return self.idle.pop()
        if len(self.all) < self.most:
            self.all.append(Connection(self))
            return self.all[-1]
        return None

    def run(self, rate, seconds):
        total, number, waiting = int(rate * seconds), 0, collections.deque()
        stopped = []
        signal.signal(signal.SIGINT, lambda *_: stopped.append(True))
        start = now()
        while True:
            moment = now()
            if stopped:
                total = number
            while number < total and start + number / rate <= moment:
                waiting.append(start + number / rate)
                number += 1
            while waiting:
                one = self.next_connection()
                if not one:
                    break
                due = waiting.popleft()
                self.late.append(now() - due)
                one.begin(due)
            if number >= total:
                if len(self.idle) == len(self.all) and not waiting:
                    break
                if moment > start + total / rate + PATIENCE:
                    self.failures["no answer"] += len(self.all) - len(self.idle) + len(waiting)
                    break
            pause = start + number / rate - now() if number < total else 0.1
            # epoll waits for whole milliseconds, select for microseconds.
            select.select([self.poll], [], [], max(pause, 0))
            for number_of, event in self.poll.poll(0):
                if number_of in self.by_number:
                    self.by_number[number_of].happened(event)
        return {"seconds": now() - start, "sent": number, "failures": dict(self.failures),
                "statuses": {status: {**figures(times), "p99_sent": figures(self.since_sent[status])["p99"]}
                             for status, times in self.since_due.items()},
                "answers": dict(self.kinds), "late_p99": figures(self.late)["p99"], "connections": len(self.all)}


def figures(times):
    """Count and quantiles, in milliseconds."""
    ordered = sorted(times)
    at = lambda share: ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000 if ordered else 0.0
    return {"count": len(ordered), "p50": at(0.5), "p99": at(0.99), "p999": at(0.999), "longest": at(1)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("rate", type=float)
    parser.add_argument("seconds", type=float)
    parser.add_argument("request")
    parser.add_argument("--answer", action="append", default=[])
    parser.add_argument("--connections", type=int, default=50)
    asked = parser.parse_args()
    # Pauses of the collector would be taken for the server's.
    gc.disable()
    json.dump(Client(asked).run(asked.rate, asked.seconds), sys.stdout)


main()
