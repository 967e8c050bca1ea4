"""Scans: which targets may be looked at (scope), what to run against them (plan), and what came of it (run).

service.submit_scan is the deed: it checks the scope, drives the tool through the runner, and leaves behind a
run with what it covered, a folder with its artifacts, findings (by their hook) and two audit entries.
"""
