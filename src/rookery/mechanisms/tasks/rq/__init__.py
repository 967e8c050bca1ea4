"""Tasks through RQ: Redis carries the ids of what is pending, and nothing else; the row stays the truth.

wire        what is on Redis: three queues, one job for each attempt
tickets     what the database says should be there
queue       the backend: what is submitted goes onto the wire after its commit
sweeper     what is pending and not on the wire, goes there again
worker      RQ's worker, which pops jobs and hands their tasks to
engine      the worker of the database backend, which claims and does them, and tells
ledger      who keeps RQ's books about it
books       how they are kept
clock       when it is time to be seen again
load        how many jobs a worker has under way
crew        the threads of these three
"""
