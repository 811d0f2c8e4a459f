"""Who may ask: whoever bears the token, and no page of another site in a browser that happens to run here.

A service on the loopback is reached by every page that the machine's browser shows. So the name that a request goes to
has to be this machine's (else a foreign name could be made to point here: DNS rebinding), and what a browser says comes
from another site is refused.
"""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.types import Scope

from sounding.serve.refusals import Refusal
from sounding.serve.settings import LOOPBACK, Settings

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""What every answer says to browsers."""
PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src 'self' data: blob:; connect-src 'self'; frame-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
"""The policy of the page: nothing from elsewhere is loaded, and no script that is not a file of the package runs."""
CARD = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:; sandbox"
"""The policy of a card, which holds names out of people's files."""


def header(scope: Scope, name: bytes) -> str:
    """A header by its name in small letters, or nothing: the first of that name."""
    for known, value in scope["headers"]:
        if known == name:
            return str(value, "latin-1")
    return ""


def require_here(scope: Scope, settings: Settings) -> None:
    """Raise Refusal for a request that a browser makes for another site, or to a name that is not this machine's."""
    if settings.local and _host(scope) not in LOOPBACK:
        raise Refusal(403, "this service answers to localhost alone", "Ask http://localhost, or serve with --host")
    if header(scope, b"sec-fetch-site") not in ("", "same-origin", "same-site", "none"):
        raise Refusal(403, "pages of other sites may not ask", "Open the page of the service itself")


def _host(scope: Scope) -> str:
    """The name that a request goes to, without its port."""
    try:
        return urlsplit(f"//{header(scope, b'host')}").hostname or ""
    except ValueError:  # half a bracket
        return ""


def require_token(scope: Scope, settings: Settings) -> None:
    """Raise Refusal where the service has a token and the request has not. Compared in constant time."""
    if not settings.token:
        return
    kind, _, given = header(scope, b"authorization").partition(" ")
    if kind.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), settings.token.encode()):
        said = "a wrong token" if given else "no token"
        raise Refusal(401, f"the request bears {said}", "Send Authorization: Bearer …", {"WWW-Authenticate": "Bearer"})
