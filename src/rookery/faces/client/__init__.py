"""Rookery from afar: the faces of a Rook, whose verbs are calls of the REST API of another machine.

`calls` is the vocabulary in which a domain says how its verbs are asked for (`domains/*/calls.py`); `wire`
sends what they ask for, from plain code and from coroutines; `house` is what `rookery.connect` opens.
"""
