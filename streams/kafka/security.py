"""Security of the three Kafka clients, TLS and log-in by SASL, of one description."""

from __future__ import annotations

import base64
import binascii
import json
import ssl
import time
from pathlib import Path
from typing import Any, cast

import structlog
from aiokafka.abc import AbstractTokenProvider as AioTokenProvider
from kafka.net.sasl.oauth import AbstractTokenProvider

from streams.config.brokers import OAUTHBEARER, Security

TOKEN_S = 300.0  # s after which a token that does not say when it ends is read again
log = structlog.get_logger(__name__)


class SecurityError(OSError):
    """A certificate, key or token cannot be used; the text says which. Clients try again, as with no broker."""


class RereadContext(ssl.SSLContext):
    """A TLS context that reads its files again for each connection, so that they may be rotated under a worker.

    Where they cannot be read, as in the middle of a rotation, those of the last connection stay in force.
    """

    def __new__(cls, _: Security) -> RereadContext:
        """A context for clients."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, security: Security) -> None:
        """Read the files a first time. Raises SecurityError."""
        self._security, self._current = security, tls_context(security)

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        """A connection of kafka-python, with the files as they are now."""
        return self._fresh().wrap_socket(*args, **kwargs)

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """A connection of an event loop, with the files as they are now."""
        return self._fresh().wrap_bio(*args, **kwargs)

    def _fresh(self) -> ssl.SSLContext:
        try:
            self._current = tls_context(self._security)
        except SecurityError as error:
            log.warning("going on with the certificates of the last connection", error=str(error))
        return self._current


def tls_context(security: Security) -> ssl.SSLContext:
    """A context with the files as they are now; host names are checked always. Raises SecurityError."""
    try:
        context = ssl.create_default_context(cafile=security.cafile)
    except (OSError, ssl.SSLError) as error:
        raise SecurityError(f"KAFKA_SSL_CAFILE: {security.cafile} has no certificate in PEM: {_why(error)}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if security.certfile:
        try:
            context.load_cert_chain(security.certfile, security.keyfile, lambda: security.key_password)
        except (OSError, ssl.SSLError) as error:
            raise SecurityError(
                f"KAFKA_SSL_CERTFILE {security.certfile} and KAFKA_SSL_KEYFILE {security.keyfile} are no certificate "
                f"and its key: {_why(error)}; a key with a password needs KAFKA_SSL_PASSWORD"
            ) from None
    return context


def _why(error: OSError) -> str:
    return str(getattr(error, "reason", None) or error.strerror or error)


def token(security: Security) -> str:
    """The token as its file has it now. Raises SecurityError."""
    path = cast(Path, security.token_file)
    try:
        text = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecurityError(f"KAFKA_SASL_OAUTH_TOKEN_FILE: cannot read {path}: {_why_unread(error)}") from None
    if not text:
        raise SecurityError(f"KAFKA_SASL_OAUTH_TOKEN_FILE: {path} is empty")
    if expiry(text, now := time.time()) < now:
        raise SecurityError(
            f"KAFKA_SASL_OAUTH_TOKEN_FILE: the token in {path} has expired; whoever writes it must renew it"
        )
    return text


def _why_unread(error: OSError | UnicodeDecodeError) -> str:
    return str(error.strerror) if isinstance(error, OSError) else "it is no token"


def expiry(text: str, now: float) -> float:
    """When the token ends (s since the epoch): what it says where it is a JSON web token, else TOKEN_S from `now`."""
    try:
        claims = text.split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return now + TOKEN_S


class Token(AbstractTokenProvider):  # type: ignore[misc]
    """The token for kafka-python, read anew for each connection."""

    def __init__(self, security: Security) -> None:
        self._security = security

    def token(self) -> str:
        """What to log in with. Raises SecurityError."""
        return token(self._security)


class AioToken(AioTokenProvider):  # type: ignore[misc]
    """The token for aiokafka, read anew for each connection."""

    def __init__(self, security: Security) -> None:
        self._security = security

    async def token(self) -> str:
        """What to log in with. Raises SecurityError."""
        return token(self._security)


def for_kafka_python(security: Security) -> dict[str, Any]:
    """Settings of kafka-python's clients. Raises SecurityError."""
    return _for_python(security, Token)


def for_aiokafka(security: Security) -> dict[str, Any]:
    """Settings of aiokafka's clients. Raises SecurityError."""
    return _for_python(security, AioToken)


def _for_python(security: Security, provider: type[Token | AioToken]) -> dict[str, Any]:
    settings: dict[str, Any] = {"security_protocol": security.protocol}
    if security.tls:
        settings["ssl_context"] = RereadContext(security)
    if security.sasl:
        settings["sasl_mechanism"] = security.mechanism
        if security.mechanism == OAUTHBEARER:
            settings["sasl_oauth_token_provider"] = provider(security)
        else:
            settings |= {"sasl_plain_username": security.username, "sasl_plain_password": security.password}
    return settings


def for_librdkafka(security: Security) -> dict[str, Any]:
    """Settings of confluent-kafka's clients. Raises SecurityError."""
    settings: dict[str, Any] = {"security.protocol": security.protocol}
    if security.tls:
        tls_context(security)  # librdkafka says less of what is wrong with a file
        settings |= {"enable.ssl.certificate.verification": True, "ssl.endpoint.identification.algorithm": "https"}
        files = {"ca": security.cafile, "certificate": security.certfile, "key": security.keyfile}
        settings |= {f"ssl.{name}.location": str(path) for name, path in files.items() if path}
        if security.key_password:
            settings["ssl.key.password"] = security.key_password
    if security.sasl:
        settings["sasl.mechanism"] = security.mechanism
        if security.mechanism == OAUTHBEARER:
            settings["oauth_cb"] = lambda _: (text := token(security), expiry(text, time.time()))
        else:
            settings |= {"sasl.username": security.username, "sasl.password": security.password}
    return settings
