"""Users who log in with a password: the form, the cookie, and limits to guessing."""

from __future__ import annotations

import hmac
import html
import secrets
import time
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import quote, urlsplit

import structlog
from aiohttp import web

from streams.page.access.attempts import Attempts
from streams.page.access.ended import SharedEnds
from streams.page.access.passwords import BusyError, Passwords
from streams.page.access.proxies import Proxies
from streams.page.access.sessions import LASTS, Sessions
from streams.page.access.users import COST, NAME, User, UsersFile
from streams.page.access.viewers import Viewer
from streams.page.static_files import HEADERS, text_of
from streams.telemetry.web_guard import host_of

MOST_BYTES = 4096  # of a form that is sent
WRONG = "Name or password is wrong."
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """Where people open the page: with TLS where the address says https."""

    url: str = ""

    @property
    def secure(self) -> bool:
        """Whether all of it is encrypted."""
        return self.url.startswith("https://")

    def cookie(self, name: str) -> str:
        """The name of a cookie, which over TLS no other host can set."""
        return f"__Host-{name}" if self.secure else name

    def safe(self, request: web.Request) -> bool:
        """Whether a password that is sent so crosses no network in plain text, as far as the address says."""
        host = (host_of(request.host) or "").casefold()
        if host in ("localhost", "::1") or host.startswith("127."):
            return True
        return self.secure and host == urlsplit(self.url).hostname


@dataclass
class Login:
    """Viewers are users with a session."""

    users: UsersFile
    sessions: Sessions
    proxies: Proxies
    place: PublicAddress
    ends: SharedEnds | None = None  # to others that show the page
    _attempts: Attempts = field(default_factory=Attempts)
    _passwords: Passwords = field(default_factory=Passwords)
    _text: str = field(default_factory=partial(text_of, "login.html"))

    def routes(self) -> list[web.RouteDef]:
        """The form, what it sends, and the way out."""
        return [
            web.get("/login", self._form),
            web.post("/login", self._log_in),
            web.post("/logout", self._log_out),
        ]

    async def start(self) -> None:
        """Share log-outs from now on."""
        if self.ends:
            self.ends.start()

    async def stop(self) -> None:
        """Share no more."""
        if self.ends:
            await self.ends.stop()

    def viewer(self, request: web.Request) -> Viewer:
        """Whose session it is. Raises HTTPSeeOther to the form for pages, HTTPUnauthorized for figures."""
        if user := self._user(request):
            return Viewer(user.name, user.role)
        if request.path.startswith("/api/"):
            raise web.HTTPUnauthorized(text="log in first: open this page again\n")
        raise web.HTTPSeeOther(f"/login?to={quote(request.path_qs, safe='')}")

    def _user(self, request: web.Request) -> User | None:
        cookie = request.cookies.get(self.place.cookie("session"), "")
        return self.sessions.user(cookie, self.users.users(), time.time())

    async def _form(self, request: web.Request) -> web.Response:
        return self._shown(request, "", 200)

    async def _log_in(self, request: web.Request) -> web.Response:
        """Raises HTTPSeeOther to where one wanted to go."""
        if not self.place.safe(request):
            return self._shown(
                request, "Passwords are taken over https alone; open the page by its https address.", 403
            )
        sent = await _sent(request)
        nonce = request.cookies.get(self.place.cookie("form"), "")
        if not nonce or not hmac.compare_digest(sent.get("form", "").encode(), self.sessions.form(nonce).encode()):
            return self._shown(request, "That form was old; try again. Cookies must be allowed.", 403)
        return await self._judged(request, sent.get("name", ""), sent.get("password", ""))

    async def _judged(self, request: web.Request, name: str, password: str) -> web.Response:
        """Names that cannot be are one name: only hashes of names that there are differ from it."""
        address, known = self.proxies.client(request), name if NAME.fullmatch(name) else "?"
        if wait := self._attempts.wait(known, address, time.monotonic()):
            log.warning("a log-in is refused: too many attempts", name=known, address=address)
            minutes = f"Too many attempts; try again in {int(wait // 60) + 1} minutes."
            return self._shown(request, minutes, 429, {"Retry-After": str(int(wait) + 1)})
        self._attempts.begin(known, address, time.monotonic())
        users = self.users.users()
        cost = next((user.cost for user in users.values()), COST)
        try:
            right = await self._passwords.right(users.get(known), cost, password)
        except BusyError:
            return self._shown(request, "Too many log in at once; try again in a minute.", 503, {"Retry-After": "60"})
        if not right:
            log.warning("a log-in failed", name=known, address=address)
            return self._shown(request, WRONG, 401)
        self._attempts.succeeded(known, address)
        log.info("logged in", name=known, address=address)
        raise self._begun(users[known], request)

    def _begun(self, user: User, request: web.Request) -> web.HTTPSeeOther:
        answer = web.HTTPSeeOther(_own(request.query.get("to", "/")))
        self._set(answer, "session", self.sessions.begin(user, time.time()), LASTS)
        answer.del_cookie(self.place.cookie("form"), secure=self.place.secure)
        return answer

    async def _log_out(self, request: web.Request) -> web.Response:
        """The cookie is SameSite, and the web port takes forms of its own pages only. Raises HTTPSeeOther."""
        ended = self.sessions.end(request.cookies.get(self.place.cookie("session"), ""))
        if ended and self.ends:
            self.ends.tell(ended)
        answer = web.HTTPSeeOther("/login")
        answer.headers["Clear-Site-Data"] = '"cache"'
        answer.del_cookie(self.place.cookie("session"), secure=self.place.secure, httponly=True, samesite="Lax")
        raise answer

    def _shown(
        self, request: web.Request, message: str, status: int, headers: dict[str, str] | None = None
    ) -> web.Response:
        """The form, with a new nonce in a cookie and what belongs to it in the form."""
        nonce = secrets.token_urlsafe(16)
        text = self._text
        to = quote(_own(request.query.get("to", "/")), safe="")
        for mark, value in {"{{message}}": message, "{{form}}": self.sessions.form(nonce), "{{to}}": to}.items():
            text = text.replace(mark, html.escape(value))
        answer = web.Response(
            text=text, content_type="text/html", status=status, headers={**HEADERS, **(headers or {})}
        )
        answer.headers["Cache-Control"] = "no-store"
        self._set(answer, "form", nonce, 3600)
        return answer

    def _set(self, answer: web.StreamResponse, name: str, value: str, lasts: int) -> None:
        answer.set_cookie(
            self.place.cookie(name),
            value,
            max_age=lasts,
            path="/",
            secure=self.place.secure,
            httponly=True,
            samesite="Lax",
        )


async def _sent(request: web.Request) -> dict[str, str]:
    """The fields of a form. Raises HTTPBadRequest, HTTPRequestEntityTooLarge, HTTPUnsupportedMediaType."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise web.HTTPUnsupportedMediaType(text="send the form of this page\n")
    if (request.content_length or MOST_BYTES + 1) > MOST_BYTES:
        raise web.HTTPRequestEntityTooLarge(MOST_BYTES, request.content_length or 0)
    try:
        fields = await request.post()
    except (ValueError, LookupError):  # its charset is unknown, or not what it says
        raise web.HTTPBadRequest(text="the form cannot be read\n") from None
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def _own(to: str) -> str:
    """A path of this page, whatever was asked for."""
    inside = to.startswith("/") and not to.startswith(("//", "/\\"))
    return to if inside and to.isprintable() and "\\" not in to else "/"
