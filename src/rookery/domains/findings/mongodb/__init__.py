"""Findings in MongoDB, beside the SQL database: a hook that copies what a run finds, and how the run went.

hook.py is the hook; documents.py what is written, clients.py who writes it, to plain or async callers.
"""
