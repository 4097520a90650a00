"""moto's S3 on loopback for tools/test-s3, made stricter where it is laxer than S3.

usage: PYTHON tools/s3_server.py PORT BUCKET [faults] [unconditional] [tls=FOLDER]

One request is served at a time, since moto compares `If-None-Match` and stores in two steps. Each
signature is computed once more with botocore, AWS's own code, and a wrong or expired one is refused.
With `faults`, every 20th request or so is refused with 503 SlowDown, and the answer of another 20th is
lost after the request was carried out (seed in SEED). With `unconditional`, `If-None-Match` is ignored, as old
servers do. With `tls`, it makes two authorities in FOLDER,
`right.pem` and `other.pem`, and has a certificate of the first. On SIGTERM it says how many requests it saw.
"""

import datetime
import io
import os
import pathlib
import random
import signal
import sys
import threading
import urllib.parse

import mlflow_tls
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, run_simple

KEY, SECRET, REGION = "AKIAEXAMPLE", "secret/of+test-s3", "us-east-1"


class Quiet(WSGIRequestHandler):
    def log_request(self, *_):
        pass


def is_signed(environ):
    """Whether the signature in the query is the one that AWS's code makes."""
    target = environ["RAW_URI"] if "RAW_URI" in environ else environ["REQUEST_URI"]
    path, _, query = target.partition("?")
    kept, _, given = query.partition("&X-Amz-Signature=")
    values = dict(urllib.parse.parse_qsl(kept))
    now = datetime.datetime.now(datetime.timezone.utc)
    at = datetime.datetime.strptime(values["X-Amz-Date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
    if not 0 <= (now - at).total_seconds() <= int(values["X-Amz-Expires"]):
        return False
    url = f"http://{environ['HTTP_HOST']}{path}?{kept}"
    request = AWSRequest(method=environ["REQUEST_METHOD"], url=url)
    for name in values["X-Amz-SignedHeaders"].split(";"):
        request.headers[name] = environ["HTTP_" + name.upper().replace("-", "_")]
    unsigned = [name for name in environ if name.startswith("HTTP_X_AMZ_")
                and name[5:].lower().replace("_", "-") not in request.headers]
    request.context["timestamp"] = values["X-Amz-Date"]
    auth = S3SigV4QueryAuth(Credentials(KEY, SECRET), "s3", REGION)
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    return not unsigned and signature == given


class Strict:
    def __init__(self, app, faults, unconditional):
        self.app, self.faults, self.unconditional = app, faults, unconditional
        self.lock = threading.Lock()
        self.chance = random.Random(int(os.environ.get("SEED", "7")))
        self.counts = dict.fromkeys(("requests", "refused", "lost", "unsigned", "taken"), 0)

    def __call__(self, environ, start_response):
        # Read outside the lock. What was cut off is never stored.
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        if len(body) < length:
            return error(start_response, "400 Bad Request", "IncompleteBody")
        environ["wsgi.input"] = io.BytesIO(body)
        with self.lock:
            return self.serve(environ, start_response)

    def serve(self, environ, start_response):
        self.counts["requests"] += 1
        if not is_signed(environ):
            self.counts["unsigned"] += 1
            return error(start_response, "403 Forbidden", "SignatureDoesNotMatch")
        drawn = self.chance.random() if self.faults else 1.0
        if drawn < 0.05:
            self.counts["refused"] += 1
            return error(start_response, "503 Slow Down", "SlowDown")
        if self.unconditional:
            environ.pop("HTTP_IF_NONE_MATCH", None)
        if drawn < 0.1:
            self.counts["lost"] += 1
            list(self.app(environ, lambda *_: None))
            return error(start_response, "500 Internal Server Error", "InternalError")

        def started(status, headers, *rest):
            self.counts["taken"] += status.startswith("412")
            return start_response(status, headers, *rest)
        return self.app(environ, started)


def error(start_response, status, code):
    body = f"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>made by the test</Message></Error>".encode()
    start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


def main():
    port, bucket, flags = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    app = Strict(DomainDispatcherApplication(create_backend_app), "faults" in flags, "unconditional" in flags)

    def end(*_):
        print(", ".join(f"{count} {name}" for name, count in app.counts.items()), flush=True)
        os._exit(0)
    signal.signal(signal.SIGTERM, end)
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(bucket, REGION)
    tls = None
    for flag in flags:
        if flag.startswith("tls="):
            place = pathlib.Path(flag[4:])
            for name in ("right", "other"):
                mlflow_tls.authority(place, name, "127.0.0.1")
            tls = (str(place / "right.crt"), str(place / "right.key"))
    run_simple("127.0.0.1", port, app, threaded=True, request_handler=Quiet, ssl_context=tls)


main()
