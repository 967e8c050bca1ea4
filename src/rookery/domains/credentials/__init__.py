"""Credentials: logins on devices, sealed at rest, matched to devices by tags and tried by priority.

A credential fits a device when they have a tag in common; one without tags of its own has the default tag,
and fits all. Those of the lowest priority number are tried first.
"""
