"""Floor 4: shells only; no rules, no SQL."""
