"""TLS and log-in as Faust wants them."""

import faust
from faust.types.auth import CredentialsT

from streams.config.brokers import OAUTHBEARER, Security
from streams.kafka.security import for_aiokafka


def credentials(security: Security) -> CredentialsT | None:
    """What Faust's consumer and producer log in with; None for plain text. Raises SecurityError."""
    settings = for_aiokafka(security)
    context = settings.get("ssl_context")
    if security.mechanism == OAUTHBEARER:
        return faust.OAuthCredentials(oauth_cb=settings["sasl_oauth_token_provider"], ssl_context=context)
    if security.sasl:
        login = {"username": security.username, "password": security.password, "mechanism": security.mechanism}
        return faust.SASLCredentials(**login, ssl_context=context)
    return faust.SSLCredentials(context) if context else None
