"""Floor 3: what Rookery knows. One folder per domain, one shape each."""
