"""Stands in for the platform's training: the server has its model."""

import pathlib

MODEL_PATH = pathlib.Path(__file__)


def main():
    raise AssertionError("the model is there")
