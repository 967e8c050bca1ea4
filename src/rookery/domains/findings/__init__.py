"""Findings: what is weak, one row per weakness per target, however often it is seen.

A scan's sightings (items) reach the table through one batched, crash-safe hook (hooks.py); nobody writes a
finding any other way. store.py reads, rules.py says what makes two sightings the same finding.
"""
