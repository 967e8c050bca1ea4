"""What a user would do otherwise, written for the comparison; each side runs in a process of its own."""
