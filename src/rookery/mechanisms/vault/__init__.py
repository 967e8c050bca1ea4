"""Secrets at rest: sealed with AES-256-GCM (NIST SP 800-38D) by the cryptography library.

`keys` says where the key comes from, `sealing` seals and opens, and gives secrets names that tell nothing.
"""
