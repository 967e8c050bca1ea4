"""Durable long work: a row is the truth, a backend only decides who runs it, and when."""
