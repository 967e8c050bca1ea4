"""Pages for people; so far the one that makes the first account. Without scripts, and from this host alone."""
