"""Rookery: a self-hosted watchtower for networks."""

__version__ = "0.1.0"
