"""Who may ask the web port. A page of any site can send a browser here, by this address or by a name that it lets point
here; what is answered to it, it could read. Browsers say where they come from and what they asked for; so that is
checked on every path.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from streams.config import Settings

_HOST = re.compile(r"(?:\[([0-9A-Fa-f.]*:[0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?")
_PAGES = re.compile(r"/(d/[^/]*|login)?")  # what people link to: files alone, no figures
_IN_CLUSTER = (".svc", ".svc.cluster.local")
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}


class AllowedHosts:
    """The names by which the web port may be asked.

    On a loopback address: names of this machine. On another one also any IP address, which is what Kubernetes asks
    probes by, any name without a dot, which is what containers know each other by, and names within a cluster: no site
    can let those point here. `named` come on top of that.
    """

    def __init__(self, bind: str, named: Iterable[str] = ()) -> None:
        self._open = not loopback(bind)
        self._named = {_plain(name) for name in (bind, socket.gethostname(), *named)}

    def admit(self, host: str) -> bool:
        """Whether that host, without a port, may be asked for."""
        host = _plain(host)
        if loopback(host) or host in self._named:
            return True
        return self._open and (_is_address(host) or "." not in host or host.endswith(_IN_CLUSTER))


def hosts_of(chosen: Settings) -> AllowedHosts:
    """The names by which a web port of those settings may be asked: also the page's, where people open it."""
    named = [*chosen.web_hosts.replace(",", " ").split(), urlsplit(chosen.page_url).hostname]
    return AllowedHosts(chosen.web_bind, filter(None, named))


def host_of(header: str) -> str | None:
    """The name or address in a header Host, without brackets and port; None where there is none."""
    found = _HOST.fullmatch(header)
    if not found or (found[1] and not _is_address(found[1])):
        return None
    return found[1] or found[2]


def _plain(name: str) -> str:
    return name.strip("[]").rstrip(".").casefold()


def loopback(host: str) -> bool:
    """Whether that name or address, without brackets, is always this machine's own."""
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def guard(hosts: AllowedHosts) -> Middleware:
    """A middleware that refuses what a strange site had a browser ask, before anything looks at the request."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        _check_host(request, hosts)
        _check_site(request)
        answer = await handler(request)
        if not answer.prepared:
            for name, value in _HEADERS.items():
                answer.headers.setdefault(name, value)
        return answer

    return guarded


def _check_host(request: web.Request, hosts: AllowedHosts) -> None:
    """HTTP/1.0 knows no Host, and no browser speaks it. Raises HTTPBadRequest, HTTPForbidden."""
    found = [host_of(header) for header in request.headers.getall("Host", [])]
    if len(found) > 1 or None in found:
        raise web.HTTPBadRequest(text="the header Host is no name and port\n")
    for host in found:
        if host and not hosts.admit(host):
            raise web.HTTPForbidden(
                text="this page answers only itself; open it by the address that the worker says, or name "
                "this host in MAALSTROM_WEB_HOSTS\n"
            )


def _check_site(request: web.Request) -> None:
    """A link from elsewhere may open a page, and nothing else. Raises HTTPForbidden."""
    if _is_link(request) and _PAGES.fullmatch(request.path):
        return
    site, origin = request.headers.get("Sec-Fetch-Site", "none"), request.headers.get("Origin")
    if site not in ("none", "same-origin") or (origin is not None and _strange(origin, request)):
        raise web.HTTPForbidden(text="this page answers only itself, no other site\n")


def _is_link(request: web.Request) -> bool:
    asked = request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest")
    return request.method == "GET" and asked == ("navigate", "document")


def _strange(origin: str, request: web.Request) -> bool:
    try:
        return urlsplit(origin).netloc.casefold() != request.headers.get("Host", "").casefold()
    except ValueError:
        return True
