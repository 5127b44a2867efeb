"""Why a broker does not let one in, in words: the clients themselves say only that they could not bootstrap."""

from __future__ import annotations

import ssl
from typing import cast

from aiokafka import errors
from aiokafka.conn import create_conn
from aiokafka.protocol.metadata import MetadataRequest

from streams.config.brokers import Brokers, Security
from streams.kafka.security import SecurityError, for_aiokafka

CONNECT_MS = 5_000


class BrokerError(RuntimeError):
    """The broker cannot be reached, or refused; one line says what, where and what to do."""


class UnreachableError(BrokerError):
    """No broker answers: waiting may help, unlike where one refuses a log-in or a certificate."""


class RightError(BrokerError):
    """The user lacks a right; the text says which, and where those are listed that are needed."""

    def __init__(self, lacks: str, remedy: str = "") -> None:
        super().__init__(f"{lacks}; give it the rights that docs/operations/security.md lists{remedy}")


async def refusal(brokers: Brokers, error: Exception) -> BrokerError:
    """What to say where a client failed with `error` to get in: the first answer of a broker, if one gives any."""
    answers = [await _answer(server, brokers.security) for server in brokers.servers]
    for server, answer in zip(brokers.servers, answers, strict=True):
        if answer and (text := _in_words(answer, brokers.security)):
            return BrokerError(f"the Kafka broker at {server} lets nobody in: {text}")
    detail = next((str(answer) for answer in answers if answer), "") or str(error) or type(error).__name__
    return UnreachableError(
        f"no Kafka broker answers at {brokers} ({detail}); see that it runs and that this machine reaches it, or set "
        "BROKER_URL to where one does (to try things out, make kafka starts one)"
    )


async def _answer(server: str, security: Security) -> Exception | None:
    """What goes wrong on the way in; None where nothing does."""
    host, _, port = server.rpartition(":")
    conn = None
    try:
        settings = for_aiokafka(security)
        conn = await create_conn(host.strip("[]"), int(port), request_timeout_ms=CONNECT_MS, **settings)
        answer = await conn.send(MetadataRequest([]))  # a log-in that is missing or refused may show only now
    except (OSError, errors.KafkaError) as error:
        return cast(Exception, error)
    finally:
        if conn is not None:
            conn.close()
    if security.token_file and not answer.brokers:  # aiokafka takes the refusal of a token for its acceptance
        return cast(Exception, errors.SaslAuthenticationFailed("it answers as to a stranger"))
    return None


def _in_words(error: Exception, security: Security) -> str:
    """What a broker's answer means and what to do; "" where there was none."""
    if isinstance(error, SecurityError):
        return str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted ({error.verify_message}); KAFKA_SSL_CAFILE must name the authority that "
            "signed it, and BROKER_URL a host that it is for"
        )
    if isinstance(error, ssl.SSLError):
        return (
            f"TLS failed ({error.reason or error}); KAFKA_SECURITY_PROTOCOL must be that of the listener, and "
            "KAFKA_SSL_CERTFILE a certificate that it trusts"
        )
    if isinstance(error, errors.IllegalSaslStateError):
        return f"its listener takes no log-in; KAFKA_SECURITY_PROTOCOL is {security.protocol}, and must be that of it"
    if isinstance(error, errors.UnsupportedSaslMechanismError):
        return f"{error}; set KAFKA_SASL_MECHANISM to one that the listener takes"
    if isinstance(error, errors.KafkaConnectionError | ConnectionResetError | ConnectionAbortedError):
        return _hung_up(security)
    if isinstance(error, errors.SaslAuthenticationFailed):
        return f"it refused {_who(security)} ({error})"
    return ""


def _who(security: Security) -> str:
    if security.token_file:
        return f"the token in KAFKA_SASL_OAUTH_TOKEN_FILE, {security.token_file}"
    return f"user {security.username} with the KAFKA_SASL_PASSWORD that is set"


def _hung_up(security: Security) -> str:
    """A listener ends the connection where it hears another protocol than its own, or trusts no certificate."""
    text = f"it ended the connection; KAFKA_SECURITY_PROTOCOL is {security.protocol}, and must be that of the listener"
    if security.certfile:
        return f"{text}, which must trust KAFKA_SSL_CERTFILE, {security.certfile}, and that must not have expired"
    return f"{text}, which may want a certificate (KAFKA_SSL_CERTFILE)" if security.protocol == "SSL" else text
