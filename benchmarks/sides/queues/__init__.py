"""Task queues of others, each run by a script of its own in an environment that has it."""
