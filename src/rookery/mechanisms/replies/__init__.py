"""What was answered to requests that may come twice: the second gets the answer of the first.

A key is claimed before the work and holds the answer after it. One whose claimant died is free again after
CLAIM_SECONDS; one that failed is free at once. Answers are kept for a day.
"""
