"""Talking to the command lines of network devices.

`dialect` is the data that says how a kind of device speaks, `screen` makes of what it sends the text that a
person would see, `conversation` decides what to send next, on bytes alone; `session` gives it a channel,
which `ssh` and `telnet` open.
"""
