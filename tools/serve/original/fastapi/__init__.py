"""Stands in for FastAPI, of which the tests use the client alone."""
