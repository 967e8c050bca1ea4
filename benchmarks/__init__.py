"""One script per claim. Each runs ours and what a user would use otherwise, in one run, and yields rows."""
