"""Proxies before the page: which addresses they have, and what is believed of what they say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from aiohttp import web

from streams.page.access.viewers import LEADER, OPERATOR, Viewer

_NAME = re.compile(r"[\w.@+ -]{1,128}")


@dataclass(frozen=True, slots=True)
class Proxies:
    """Addresses and networks of proxies."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Proxies:
        """Of addresses and networks with commas. Raises ValueError."""
        return cls(tuple(ip_network(word) for word in re.split(r"[,\s]+", text) if word))

    def has(self, address: str | None) -> bool:
        """Whether that is the address of one of them."""
        if address is None:
            return False
        known = ip_address(address.partition("%")[0])
        known = getattr(known, "ipv4_mapped", None) or known
        return any(known in network for network in self.networks)

    def client(self, request: web.Request) -> str:
        """The address of whoever asks: what the nearest proxy says, where it is one of ours, else the peer's."""
        if not self.has(request.remote):
            return request.remote or ""
        said = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
        return said[-1].strip() or request.remote or ""


class Vouched:
    """Viewers whose name a proxy says in a header; nobody gets past the proxy."""

    def __init__(self, proxies: Proxies, header: str, operators: frozenset[str]) -> None:
        self._proxies, self._header, self._operators = proxies, header, operators

    def routes(self) -> list[web.RouteDef]:
        """None of its own."""
        return []

    async def start(self) -> None:
        """There is nothing to start."""

    async def stop(self) -> None:
        """There is nothing to stop."""

    def viewer(self, request: web.Request) -> Viewer:
        """Whom the proxy names. Raises HTTPForbidden, HTTPUnauthorized."""
        if not self._proxies.has(request.remote):
            raise web.HTTPForbidden(text="this page answers only its proxy; open it by the proxy's address\n")
        named = request.headers.getall(self._header, [])
        if len(named) != 1 or not _NAME.fullmatch(named[0]):
            raise web.HTTPUnauthorized(text=f"the proxy says no name in the header {self._header}; have it say one\n")
        sees_all = named[0] in self._operators or "*" in self._operators
        return Viewer(named[0], OPERATOR if sees_all else LEADER)
