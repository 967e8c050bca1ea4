"""The commands of scans: `rookery scan`, `scope`, `runs`, `projects`, `endpoints`; a module for each."""
