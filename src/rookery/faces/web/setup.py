"""The page of the first account, to which `rookery up` prints a link while there is none."""

from __future__ import annotations

from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from fastapi import Request
from jinja2 import Environment
from starlette.responses import HTMLResponse

from rookery.base.errors import RookeryError
from rookery.faces.api.access import refuse_forged
from rookery.faces.api.problems import problem_of
from rookery.faces.api.routing import Router

if TYPE_CHECKING:
    from rookery.app import AsyncRook

api = Router("pages", is_for_programs=False)

PAGE = Environment(autoescape=True).from_string(
    files("rookery.faces.web").joinpath("setup.html").read_text(encoding="utf-8")
)
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'"


@api.get("/setup", None)
async def show_setup(_rook: AsyncRook, /, token: str = "") -> HTMLResponse:
    """A page to make the first account on."""
    return _page(token=token)


@api.post("/setup", None)
async def set_up_on_page(rook: AsyncRook, /, request: Request) -> HTMLResponse:
    """Make it, from that page's form; what is wrong is said there."""
    refuse_forged(request)
    sent = parse_qs((await request.body()).decode("utf-8", "replace"))
    token, username, password = (sent.get(name, [""])[0] for name in ("token", "username", "password"))
    try:
        made = await rook.users.set_up(token, username, password)
    except RookeryError as error:
        return _page(problem_of(error).status, token=token, username=username, refused=str(error))
    return _page(HTTPStatus.CREATED, made=made.username)


def _page(status: int = HTTPStatus.OK, **shown: str) -> HTMLResponse:
    return HTMLResponse(PAGE.render(**shown), status, {"Content-Security-Policy": POLICY})
