"""The REST API: routes that domains declare, answered by the async side of their services.

app.py        all of it as one ASGI application
routing.py    Router, with which a domain's api.py declares its routes
endpoint.py   one route at work: who calls, may they, what do they send, what is answered
access.py     from a token or a cookie to a principal; forged requests are refused
documents.py  bodies, pages, tags of versions: msgspec at both ends
openapi.py    the document of the API, with examples.py
waiting.py    a POST that waits for the work it has submitted
problems.py   every error as application/problem+json
guarding.py   what comes before any route: sizes, ids, headers
"""
