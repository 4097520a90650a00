"""Stands in for the platform's service: where it answers."""

import os

app = os.environ["EASYLIFE_RECSYS"]
