"""The audit log: who did what to which object, in one chain that nobody can change unseen.

A listener: it hears the events of all domains, and none of them imports it. Entries are recorded in
microseconds, chained and signed in batches, and verified by anyone who has the public key.
Verbs: record, flush, list, count, get, verify, export, prune (face.py).
"""
