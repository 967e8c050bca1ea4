"""Settings: what holds, where it comes from, and what may be changed while Rookery runs.

A file or variable decides; where neither does, the database; else the default. Beside Rookery's own there are
settings that people declare, for their hooks and tasks.
"""
