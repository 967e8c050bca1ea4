"""Scans: which targets may be looked at (scope), what to run against them (plan), and what came of it (run).

service.run is the deed: it checks the scope, drives the templates through the runner, and leaves a run row,
findings (by their hook) and two audit entries behind.
"""
