"""The cases of nuclei's cmd/integration-test/http.go and flow.go that need no server of somebody else's."""

from __future__ import annotations

import json
import re
import time

from tests.conformance.cases import Case, first, logged_in
from tests.conformance.webserver import Asked, Reply, pages, redirect

TEXT = "This is test matcher text"
REDIRECTED = "This is test redirects matcher text"


def _headers(asked: Asked) -> Reply:
    return Reply("This is test headers matcher text" if asked.header("test").lower() == "nuclei" else "")


def _query_string(asked: Asked) -> Reply:
    said = "This is test querystring matcher text"
    return Reply(said if first(asked.query, "test") == "nuclei" else "")


def _post_body(asked: Asked) -> Reply:
    return Reply("This is test post-body matcher text" if logged_in(asked, "nuclei") else "")


def _post_json(asked: Asked) -> Reply:
    right = json.loads(asked.body) == {"username": "test", "password": "nuclei"}
    return Reply("This is test post-json-body matcher text" if right else "")


def _post_multipart(asked: Asked) -> Reply:
    boundary = asked.header("content-type").partition("boundary=")[2]
    parts = asked.body.decode().split(f"--{boundary}\r\n")
    named = re.findall(r'name="(\w+)"(?:; filename="(\w+)")?', "".join(parts))
    complete = asked.body.endswith(f"--{boundary}--\r\n".encode())
    right = complete and set(named) == {("username", "username"), ("password", "")} and "nuclei" in parts[2]
    return Reply("This is test post-multipart matcher text" if right else "")


def _cookie(asked: Asked) -> Reply:
    if asked.method == "POST":
        kept = first(asked.form, "testing") == "parameter"
        return Reply(headers={"Set-Cookie": "nuclei=test"} if kept else {})
    return Reply("Test is test-cookie-reuse matcher text" if asked.header("cookie") == "nuclei=test" else "")


def _dynamic_extractor(asked: Asked) -> Reply:
    if asked.method == "POST":
        return Reply("Token: 'nuclei'" if first(asked.form, "testing") == "parameter" else "")
    found = first(asked.query, "username") == "nuclei"
    return Reply("Test is test-dynamic-extractor-raw matcher text" if found else "")


def _raw_query(asked: Asked) -> Reply:
    return Reply("Test is test raw-get-query-matcher text" if first(asked.query, "test") == "nuclei" else "")


def _both_parameters(asked: Asked) -> Reply:
    right = asked.query == {"key1": ["value1"], "key2": ["value2"]}
    return Reply("Test is test raw-params-matcher text" if right else "")


def _raw_payload(asked: Asked) -> Reply:
    encoded = asked.header("another_header") in ("bnVjbGVp", "Z3Vlc3Q=")
    return Reply(
        "Test is raw-payload matcher text" if encoded and logged_in(asked, "nuclei", "guest") else ""
    )


def _raw_post(asked: Asked) -> Reply:
    return Reply("Test is test raw-post-body-matcher text" if logged_in(asked, "nuclei") else "")


def _variables(asked: Asked) -> Reply:
    return Reply("\n".join(asked.header(name) for name in ("Test", "Another", "Email")))


def _host_redirects(asked: Asked) -> Reply:
    step = int(asked.path.removeprefix("/redirected") or 0) if asked.path != "/" else 0
    if step == 3:
        return redirect("https://scanme.sh", 307)
    return redirect(f"{'' if step == 1 else '/'}redirected{step + 1}")


def _redirects_with_body(asked: Asked) -> Reply:
    return Reply(REDIRECTED, 302, {"Location": "/redirected"}) if asked.path == "/" else Reply(REDIRECTED)


def _slow(_: Asked) -> Reply:
    time.sleep(2)
    return Reply(TEXT)


def _server_name(asked: Asked) -> Reply:
    return Reply("test-ok" if asked.server_name == "test" else "test-ko")


def _random_string(asked: Asked) -> Reply:
    right = re.search("[A-Za-z0-9]{25,}", asked.target)
    return Reply("ok") if right else Reply("not ok", 400)


def _unsafe_length(_: Asked) -> Reply:
    return Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\nthis is a test", close=True)


def _no_length(_: Asked) -> Reply:
    return Reply(raw=b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nthis is a test", close=True)


HTTP = [
    Case("http/get-headers.yaml", _headers, 1, 1),
    Case("http/get-query-string.yaml", _query_string, 1, 1),
    Case("http/get-redirects.yaml", pages({"/": redirect("/redirected"), "/redirected": REDIRECTED}), 1, 2),
    Case("http/get-host-redirects.yaml", _host_redirects, 1, 4),
    Case("http/get.yaml", pages({"/": TEXT}), 1, 1),
    Case("http/post-body.yaml", _post_body, 1, 1),
    Case("http/post-json-body.yaml", _post_json, 1, 1),
    Case("http/post-multipart-body.yaml", _post_multipart, 1, 1),
    Case("http/raw-cookie-reuse.yaml", _cookie, 1, 2),
    Case("http/raw-dynamic-extractor.yaml", _dynamic_extractor, 1, 2),
    Case("http/raw-get-query.yaml", _raw_query, 1, 1),
    Case("http/raw-get.yaml", pages({"/": "Test is test raw-get-matcher text"}), 1, 1),
    Case("http/raw-with-params.yaml", _both_parameters, 1, 1, path="/?key1=value1"),
    Case("http/raw-unsafe-with-params.yaml", _both_parameters, 1, 1, path="/?key1=value1"),
    Case("http/raw-path-trailing-slash.yaml", pages({"/test/..;/..;/": "found"}), 0, 1),
    Case("http/raw-payload.yaml", _raw_payload, 2, 2),
    Case("http/raw-post-body.yaml", _raw_post, 1, 1),
    Case("http/request-condition.yaml", pages({"/200": "", "/400": Reply(status=400)}), 1, 2),
    Case("http/request-condition-new.yaml", pages({"/200": "", "/400": Reply(status=400)}), 1, 2),
    Case("http/get-case-insensitive.yaml", pages({"/": TEXT.upper()}), 1, 1),
    Case(
        "http/get-redirects-chain-headers.yaml",
        pages(
            {
                "/": redirect("/redirected"),
                "/redirected": redirect("/final", Secret="TestRedirectHeaderMatch"),
                "/final": "ok",
            }
        ),
        1,
        3,
    ),
    Case("http/dsl-matcher-variable.yaml", pages({"/": TEXT}), 5, 5),
    Case("http/race-simple.yaml", pages({"/": ""}), 10, 10),
    Case("http/race-multiple.yaml", pages({"/": ""}), 5, 5),
    Case("http/stop-at-first-match.yaml", pages({"/": "This is test"}), 1, 1),
    Case(
        "http/stop-at-first-match-with-extractors.yaml",
        pages({"/": Reply("This is test", headers={"Date": "Sat, 25 Jul 2026 00:00:00 GMT"})}),
        2,
        2,
    ),
    Case("http/variables.yaml", _variables, 1, 1),
    Case("http/variables.yaml", _variables, 0, 1, variables={"a1": "failed"}),
    Case("http/get-override-sni.yaml", _server_name, 1, 1, tls=True),
    Case("http/redirect-match-url.yaml", _redirects_with_body, 1, 2),
    Case("http/annotation-timeout.yaml", _slow, 1, 1, tls=True),
    Case("http/custom-attack-type.yaml", pages({"/": "This is test custom payload"}), 2, 2),
    Case("http/cl-body-without-header.yaml", _no_length, 1, 1),
    Case("http/cl-body-with-header.yaml", _unsafe_length, 1, 1),
    Case(
        "http/cli-with-constants.yaml",
        lambda asked: Reply(first(asked.query, "p")),
        1,
        1,
        variables={"test": "fromcli"},
    ),
    Case("http/matcher-status.yaml", pages({"/200": ""}), 0, 5),
    Case(
        "http/disable-path-automerge.yaml",
        pages({"/api/v1/test": "123", "/": "empty path in raw request"}),
        2,
        2,
        path="/api/v1/user",
    ),
    Case("http/http-preprocessor.yaml", _random_string, 1, 1),
    Case("http/multi-request.yaml", pages({"/ping": "ping", "/pong": "pong"}), 1, 2),
    Case(
        "http/http-matcher-extractor-dy-extractor.yaml",
        pages({"/": '<a href="/domains">Domains</a>', "/domains": "<title>Dynamic Extractor Test</title>"}),
        1,
        2,
    ),
    Case("http/multi-http-var-sharing.yaml", pages({"/": "ok", "/200": "ok"}), 1, 2),
]

FLOW = [
    Case("flow/flow-hide-matcher.yaml", pages({"/": "ok"}), 0, 2),
    Case("flow/flow-hide-matcher.yaml", pages({"/": "nothing"}), 0, 1),
    Case("flow/flow-hide-matcher.yaml", pages({"/": "ok, Failed event"}), 1, 2),
]
