"""Stands in for FastAPI's client, which calls an application in memory: here it is a running server."""

import requests


class TestClient(requests.Session):
    __test__ = False

    def __init__(self, app):
        super().__init__()
        self.base = app

    def request(self, method, url, *args, **kwargs):
        return super().request(method, self.base + url, *args, timeout=20, **kwargs)
