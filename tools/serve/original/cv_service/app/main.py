"""Stands in for the platform's service: where it answers."""

import os

app = os.environ["EASYLIFE_CV"]


def ensure_model_artifact():
    """The server has its model."""
