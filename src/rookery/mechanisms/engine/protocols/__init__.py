"""The protocols beside http: dns, tcp, ssl and file. Each module reads its block, compiles it, and knows what
the answers mean; what they have in common is in block."""
