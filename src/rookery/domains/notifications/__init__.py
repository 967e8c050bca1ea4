"""Notifications: rules say which events are told, and to which channels: webhooks of ours, or Apprise's.

What is to be told is written, and its delivery submitted as a task, in the transaction of the event itself:
neither is there without the other, whoever dies in between.
"""
