"""The command line: groups of commands that load when they are called, output for people and for programs."""
