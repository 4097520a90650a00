"""Stands in for the platform's package: its application is a running server."""
