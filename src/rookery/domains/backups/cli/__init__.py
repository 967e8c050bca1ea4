"""`rookery backup|reach` in taking.py, `rookery versions|diff|config|grep` in reading.py."""
