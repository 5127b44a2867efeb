"""What a DSN says: which ClickHouse, how it is reached, and whether it is a cluster.

Every message is made without the DSN in it: there may be a password inside.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

DATABASE = "maalstrom"
FORMS = "chdb:///folder, chdb://memory or clickhouse://user:password@host:8123/maalstrom?secure=1"
OPTIONS = ("secure", "ca", "cert", "key", "cluster")

_HTTP_PORT, _HTTPS_PORT = 8123, 8443


@dataclass(frozen=True)
class Embedded:
    """A database in this process; `folder` None means in memory."""

    folder: str | None


@dataclass(frozen=True)
class Remote:
    """A database over HTTP. `hosts` are tried in their order; `ca`, `cert` and `key` are files in PEM.

    `cluster` names the cluster of one shard whose replicas the hosts are; None means that there is one server.
    """

    hosts: tuple[tuple[str, int], ...]
    user: str
    password: str = field(repr=False)
    database: str
    secure: bool = False
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    cluster: str | None = None

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)


def parse(dsn: str) -> Embedded | Remote:
    """What the DSN says. Raises ValueError, without the password, when it has another form."""
    try:
        parts = urlsplit(dsn)
    except ValueError:
        raise ValueError(f"not a DSN; write {FORMS}") from None
    if parts.scheme == "chdb":
        return _embedded(parts)
    if parts.scheme == "clickhouse":
        return _server(parts)
    raise ValueError(f"a DSN starts with chdb:// or clickhouse://, not {parts.scheme!r}; write {FORMS}")


def shown(dsn: str) -> str:
    """The DSN without its password, for logs. Raises ValueError."""
    found = parse(dsn)
    if isinstance(found, Embedded):
        return f"chdb://{found.folder or 'memory'}"
    user = f"{found.user}@" if found.user else ""
    query = urlsplit(dsn).query
    return f"clickhouse://{user}{found.place}/{found.database}" + (f"?{query}" if query else "")


def _embedded(parts: SplitResult) -> Embedded:
    in_memory = parts.netloc == "memory" and parts.path in ("", "/")
    if parts.query or parts.fragment or not (in_memory or (not parts.netloc and len(parts.path) > 1)):
        escaped = "; a ? or # of the folder is written %3F, %23" if parts.query or parts.fragment else ""
        raise ValueError(f"an embedded database is chdb:///absolute/folder (three slashes) or chdb://memory{escaped}")
    return Embedded(None if in_memory else unquote(parts.path))


def _server(parts: SplitResult) -> Remote:
    if _login_is_cut(parts):
        raise ValueError("the DSN has a /, ? or # in its user or password; write %2F, %3F and %23 for them there")
    database = parts.path.strip("/") or DATABASE
    options = _options(parts.query)
    secure = _secure(options)
    login, _, places = parts.netloc.rpartition("@")
    hosts = tuple(_host(place, secure) for place in places.split(","))
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", database):
        raise ValueError(f"the DSN's database must be a plain name of letters, digits and _; write {FORMS}")
    user, _, password = login.partition(":")
    files = {name: _file(options, name, secure) for name in ("ca", "cert", "key")}
    if bool(files["cert"]) != bool(files["key"]):
        raise ValueError(
            "the DSN has one of cert= and key=; a client's certificate needs both (they may name one file)"
        )
    cluster = options.get("cluster")
    if cluster is not None and not re.fullmatch(r"[A-Za-z0-9_.-]+", cluster):
        raise ValueError("cluster= in the DSN must name a cluster of system.clusters")
    return Remote(hosts, unquote(user), unquote(password), database, secure, **files, cluster=cluster)


def _login_is_cut(parts: SplitResult) -> bool:
    """Whether a user or password ends at a character that ends hosts: what follows must not be told, nor taken."""
    told = parts.path + ("" if parse_qs(parts.query, keep_blank_values=True).keys() <= set(OPTIONS) else parts.query)
    return bool(parts.fragment) or ("@" not in parts.netloc and "@" in told)


def _host(place: str, secure: bool) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{place}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"not a DSN (the port must be a number from 0 to 65535); write {FORMS}") from None
    if not host:
        raise ValueError(f"the DSN names no host; write {FORMS}")
    return host, port or (_HTTPS_PORT if secure else _HTTP_PORT)


def _options(query: str) -> dict[str, str]:
    options = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    if unknown := options.keys() - set(OPTIONS):
        raise ValueError(f"the DSN has the unknown option {', '.join(sorted(unknown))}; there are {', '.join(OPTIONS)}")
    return options


def _secure(options: Mapping[str, str]) -> bool:
    chosen = options.get("secure", "0")
    if chosen not in ("0", "1", "false", "true"):
        raise ValueError(f"secure={chosen} in the DSN is neither 0 nor 1")
    return chosen in ("1", "true")


def _file(options: Mapping[str, str], name: str, secure: bool) -> str | None:
    path = options.get(name)
    if path is None:
        return None
    if not secure:
        raise ValueError(f"the DSN has {name}= without secure=1: nothing would be encrypted; add secure=1")
    if not Path(path).is_file():
        raise ValueError(f"{name}={path} in the DSN is no file; name another")
    return path
