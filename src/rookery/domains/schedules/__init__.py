"""Schedules: what is to be done again and again, or once, later, without anybody asking.

A schedule is a cron line, an interval or a date that submits a task. Whichever worker comes first fires it,
by a change of its row in the transaction of the submission: once, however many there are.
"""
