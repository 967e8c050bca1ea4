"""Who may call what: every route, each role, each scope, against the one table of permissions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from rookery import app
from rookery.domains.users.document import User
from rookery.domains.users.permissions import PERMISSIONS, SESSION_ONLY
from rookery.domains.users.rules import Role
from rookery.faces.api.application import endpoints
from rookery.faces.api.routing import PREFIX
from tests.faces.api.conftest import PASSWORD, ROLES, Client, Serving, everything

PUBLIC = {
    "POST /session", "POST /setup", "GET /openapi.json", "GET /docs", "GET /docs.css", "GET /healthz",
    "GET /readyz",
}  # fmt: skip
PAGES = {"show_setup", "set_up_on_page"}
"""Pages for everybody, by their handlers: they are not in the document."""
IN = {"username": "admin", "password": PASSWORD}


class Route(NamedTuple):
    """A route, as somebody calls it who knows nothing of what is there."""

    method: str
    path: str
    permission: str | None

    def call(self, client: httpx.Client) -> int:
        """The status of an answer; a stream is left at its beginning."""
        url = client.base_url.copy_with(raw_path=self.path.encode())
        with client.stream(self.method, url, headers={"If-Match": "*"}) as answer:
            return answer.status_code


@pytest.fixture
def routes(serving: Serving) -> list[Route]:
    """Every route there is, from the document."""
    document = httpx.get(f"{serving.api}/openapi.json").json()
    return [
        Route(method.upper(), re.sub(r"{[^}]*}", "nothing", path), operation.get("x-permission"))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def test_only_these_routes_are_for_everybody(routes: list[Route]) -> None:
    public = {f"{route.method} {route.path.removeprefix(PREFIX)}" for route in routes if not route.permission}
    assert public == PUBLIC
    named = {each.__name__ for each in endpoints() if each.permission is None}
    assert named > PAGES
    assert len(named) == len(PUBLIC) + len(PAGES)


def test_every_route_takes_a_permission_of_the_table(routes: list[Route]) -> None:
    assert {route.permission for route in routes if route.permission} <= PERMISSIONS.keys()


def test_nobody_comes_in_without_a_name(routes: list[Route], client: Client) -> None:
    assert {route.call(client(None)) for route in routes if route.permission} == {401}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_what_the_table_says_and_nothing_else(
    role: str, routes: list[Route], client: Client
) -> None:
    asking, ranks = client(role), list(Role)
    for route in routes:
        if route.permission is None or route.permission in SESSION_ONLY:
            continue
        may = ranks.index(PERMISSIONS[route.permission]) <= ranks.index(Role(role))
        assert (route.call(asking) not in {401, 403}) is may, route


def test_a_token_may_what_its_scopes_say_and_nothing_else(routes: list[Route], client: Client) -> None:
    with_one = {permission: client("admin", permission) for permission in PERMISSIONS.keys() - SESSION_ONLY}
    with_others = {permission: client("admin", *set(everything()) - {permission}) for permission in with_one}
    for route in routes:
        if route.permission in with_one:
            assert route.call(with_one[route.permission]) not in {401, 403}, route
            assert route.call(with_others[route.permission]) == 403, route


def test_no_token_makes_another_or_changes_who_owns_it(routes: list[Route], client: Client) -> None:
    with_all = client("admin")
    assert {route.call(with_all) for route in routes if route.permission in SESSION_ONLY} == {403}


@pytest.mark.parametrize("token", ["none", "rk_", "rk_aaaaaaaa_" + "b" * 39, "\u00e9", "x" * 10_000])
def test_a_token_that_is_none_opens_nothing(serving: Serving, people: dict[str, User], token: str) -> None:
    headers = {"Authorization": b"Bearer " + token.encode()}
    answer = httpx.get(f"{serving.api}/devices", headers=headers)  # type: ignore[arg-type]  # bytes, too
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert token not in answer.text


def test_a_password_is_no_bearers_token(serving: Serving, people: dict[str, User]) -> None:
    answer = httpx.get(f"{serving.api}/devices", auth=("admin", PASSWORD))
    assert answer.status_code == 401


# --- sessions


@pytest.fixture
def browser(serving: Serving, people: dict[str, User]) -> Iterator[httpx.Client]:
    """A browser in which an admin has logged in, on our own page."""
    with httpx.Client(base_url=serving.api, headers={"Sec-Fetch-Site": "same-origin"}) as browser:
        assert browser.post("/session", json=IN).status_code == 201
        yield browser


def test_a_session_is_a_cookie_that_scripts_do_not_see(browser: httpx.Client) -> None:
    [cookie] = browser.cookies.jar
    assert (cookie.name, cookie.path) == ("rookery_session", "/")
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert browser.get("/session").json()["username"] == "admin"


def test_whoever_logs_out_is_out_whatever_the_browser_still_sends(browser: httpx.Client) -> None:
    kept = dict(browser.cookies)
    assert browser.delete("/session").status_code == 204
    browser.cookies.update(kept)
    assert browser.get("/session").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "", "Origin": "null"},
    ],
)
def test_another_sites_page_changes_nothing(browser: httpx.Client, headers: dict[str, str]) -> None:
    answer = browser.post("/users", json={"username": "mallory", "role": "admin"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "forged-request")
    assert [user["username"] for user in browser.get("/users").json()["items"]] == sorted(ROLES)


def test_a_page_of_ours_on_plain_http_is_known_by_its_origin(browser: httpx.Client, serving: Serving) -> None:
    del browser.headers["Sec-Fetch-Site"]
    mine = browser.post("/users", json={"username": "bob"}, headers={"Origin": serving.url})
    assert mine.status_code == 201


def test_another_password_ends_the_other_sessions(browser: httpx.Client, serving: Serving) -> None:
    with httpx.Client(base_url=serving.api) as other:
        other.post("/session", json=IN)
        wrong = browser.put("/password", json={"current": "wrong wrong wrong", "password": "x" * 20})
        assert wrong.status_code == 401
        new = {"current": PASSWORD, "password": "and the river runs backwards"}
        assert browser.put("/password", json=new).status_code == 200
        assert browser.get("/session").status_code == 200
        assert other.get("/session").status_code == 401


def test_a_token_made_in_a_session_works_until_it_is_revoked(browser: httpx.Client, serving: Serving) -> None:
    made = browser.post("/tokens", json={"name": "ci", "scopes": ["devices:read"]}).json()
    bearer = {"Authorization": f"Bearer {made['secret']}"}
    assert httpx.get(f"{serving.api}/devices", headers=bearer).status_code == 200
    assert httpx.get(f"{serving.api}/users", headers=bearer).status_code == 403
    assert browser.delete(f"/tokens/{made['token']['id']}").status_code == 204
    assert httpx.get(f"{serving.api}/devices", headers=bearer).status_code == 401


def test_nobody_ends_anothers_session_or_token(
    browser: httpx.Client, serving: Serving, rook: app.Rook
) -> None:
    made = browser.post("/tokens", json={"name": "ci", "scopes": ["devices:read"]}).json()
    mine = browser.get("/sessions").json()["items"][0]["id"]
    with httpx.Client(base_url=serving.api) as viewer:
        viewer.post("/session", json={**IN, "username": "viewer"})
        assert viewer.delete(f"/tokens/{made['token']['id']}").status_code == 404
        assert viewer.delete(f"/sessions/{mine}").status_code == 404
    assert browser.get("/session").status_code == 200


def test_guessing_is_slowed_down_and_says_for_how_long(serving: Serving, people: dict[str, User]) -> None:
    wrong = {**IN, "password": "wrong wrong wrong"}
    answers = [httpx.post(f"{serving.api}/session", json=wrong) for _ in range(8)]
    assert [answer.status_code for answer in answers[:5]] == [401] * 5
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_the_first_account_is_made_once_with_the_link(serving: Serving, rook: app.Rook) -> None:
    token = str(rook.users.setup_link()).partition("=")[2]
    account = {"token": token, "username": "ada", "password": PASSWORD}
    assert httpx.post(f"{serving.api}/setup", json={**account, "token": "x"}).status_code == 401
    made = httpx.post(f"{serving.api}/setup", json=account)
    assert (made.status_code, made.json()["role"]) == (201, "admin")
    assert httpx.post(f"{serving.api}/setup", json=account).status_code in {401, 409}
