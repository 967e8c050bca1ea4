"""Formats in which other programs tell what they found, and in which Rookery tells others."""
