"""Users: passwords, second factors, sessions, API tokens, and the one table of who may do what.

Nothing is permitted unless permissions.py says so. Where a person or a program proves who it is, the outcome
is a Principal, which every face asks before it acts.
"""
