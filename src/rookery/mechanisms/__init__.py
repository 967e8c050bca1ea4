"""Floor 2: how it works. Knows no domain; each room could be its own library."""
