"""The routes of scans, projects, and of findings that take a scan."""
