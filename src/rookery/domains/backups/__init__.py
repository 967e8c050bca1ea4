"""Backups: what a device is configured to do, collected, and kept as a version when it has changed.

collect → assemble → check → mask → changed? → version → event. Secrets stand in a version under a name that
changes with them; the raw text is kept beside it, sealed.
"""
