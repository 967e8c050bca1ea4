"""Programs for those who work on Rookery."""
