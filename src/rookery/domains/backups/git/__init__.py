"""Versions and Git: a mirror for those who like to read there, and histories that others have kept."""
