"""Pages for people: so far that of the first account. Without scripts, and from this host alone."""
