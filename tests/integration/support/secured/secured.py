"""A real broker that lets in only who it knows: TLS, SASL and ACLs, with listeners for each way in.

`SASL` wants a log-in (PLAIN, SCRAM or a token) over TLS, `MUTUAL` a client's certificate, `OPEN` nothing: the broker
itself and the tests, which may do all, use that.
"""

from __future__ import annotations

import base64
import json
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
    UserScramCredentialUpsertion,
)

from deploy.kafka.broker import Broker, Cluster, free_ports, settings_of
from tests.support.certificates import Authority, Pem

HOSTS = ("localhost", "127.0.0.1")
PASSWORDS = {name: f"a password of the {name}" for name in ("worker", "operator", "collector", "stranger")}
_LOGIN = "org.apache.kafka.common.security"


@dataclass(frozen=True)
class Secured:
    """A secured broker: ports of its listeners, who signed its certificate, and where that lies."""

    broker: Broker
    sasl: int
    mutual: int
    authority: Authority
    pem: Pem

    @property
    def open(self) -> str:
        """Where one may do all."""
        return self.broker.bootstrap

    def login(self, user: str = "worker", mechanism: str = "SCRAM-SHA-512", **more: str) -> dict[str, str]:
        """The environment of a command that logs in."""
        return {
            "BROKER_URL": f"kafka://localhost:{self.sasl}",
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": mechanism,
            "KAFKA_SASL_USERNAME": user,
            "KAFKA_SASL_PASSWORD": PASSWORDS[user],
            "KAFKA_SSL_CAFILE": str(self.authority.ca),
            **more,
        }

    def bearer(self, token: Path) -> dict[str, str]:
        """The environment of a command that logs in with a token."""
        wanted = ("BROKER_URL", "KAFKA_SECURITY_PROTOCOL", "KAFKA_SSL_CAFILE")
        chosen = {name: value for name, value in self.login().items() if name in wanted}
        return {**chosen, "KAFKA_SASL_MECHANISM": "OAUTHBEARER", "KAFKA_SASL_OAUTH_TOKEN_FILE": str(token)}

    def certified(self, pem: Pem, **more: str) -> dict[str, str]:
        """The environment of a command that shows a certificate."""
        return {
            "BROKER_URL": f"kafka://localhost:{self.mutual}",
            "KAFKA_SECURITY_PROTOCOL": "SSL",
            "KAFKA_SSL_CAFILE": str(self.authority.ca),
            "KAFKA_SSL_CERTFILE": str(pem.cert),
            "KAFKA_SSL_KEYFILE": str(pem.key),
            **more,
        }

    def allow(self, rights: Iterable[ACL]) -> None:
        """Give those rights."""
        with KafkaAdminClient(bootstrap_servers=self.open) as admin:
            admin.create_acls(list(rights))
        time.sleep(1)  # until the broker goes by them


def token(subject: str, seconds: float = 3600) -> str:
    """A JSON web token that nobody signed; the broker of the tests believes it."""
    now = time.time()
    parts = ({"alg": "none"}, {"sub": subject, "iat": now, "exp": now + seconds})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def right(principal: str, operation: str, kind: str, name: str, prefixed: bool = False) -> ACL:
    """One right, in the words of `kafka-acls.sh`."""
    pattern = ACLResourcePatternType.PREFIXED if prefixed else ACLResourcePatternType.LITERAL
    resource = ResourcePattern(ResourceType[kind.upper()], name, pattern)
    spelt = {"DESCRIBECONFIGS": "DESCRIBE_CONFIGS", "ALTERCONFIGS": "ALTER_CONFIGS"}
    wanted = ACLOperation[spelt.get(operation.upper(), operation.upper())]
    return ACL(f"User:{principal}", "*", wanted, ACLPermissionType.ALLOW, resource)


@contextmanager
def secured(reauthenticate_ms: int = 0) -> Iterator[Secured]:
    """Run such a broker; ended, and its data removed, when the block ends. Connections that logged in longer ago than
    `reauthenticate_ms` are ended; 0 = none is."""
    folder = Path(tempfile.mkdtemp(prefix="maalstrom-kafka-"))
    open_, control, sasl, mutual = free_ports(4)
    authority = Authority(folder / "tls", "authority")
    pem = authority.issue("broker", HOSTS)
    made = Secured(Broker(1, open_, control, folder / "1"), sasl, mutual, authority, pem)
    whole = Cluster((made.broker,))
    try:
        made.broker.format(
            {**settings_of(made.broker, whole), **_settings(made), "connections.max.reauth.ms": str(reauthenticate_ms)}
        )
        whole.start()
        _users(made)
        yield made
    finally:
        whole.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _settings(made: Secured) -> dict[str, str]:
    listeners = {
        "OPEN": f"127.0.0.1:{made.broker.port}",
        "SASL": f"localhost:{made.sasl}",
        "MUTUAL": f"localhost:{made.mutual}",
        "CONTROLLER": f"127.0.0.1:{made.broker.controller_port}",
    }
    return {
        "listeners": ",".join(f"{name}://{address}" for name, address in listeners.items()),
        "listener.security.protocol.map": "OPEN:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_SSL,MUTUAL:SSL",
        "inter.broker.listener.name": "OPEN",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        **_tls(made, "sasl"),
        **_tls(made, "mutual"),
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.mutual.ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/",
        **_logins(),
    }


def _tls(made: Secured, listener: str) -> dict[str, str]:
    files = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(made.pem.both),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(made.authority.ca),
    }
    return {f"listener.name.{listener}.{name}": value for name, value in files.items()}


def _logins() -> Mapping[str, str]:
    plain = " ".join(f'user_{name}="{password}"' for name, password in PASSWORDS.items())
    modules = {
        "plain": f"{_LOGIN}.plain.PlainLoginModule required {plain};",
        "scram-sha-256": f"{_LOGIN}.scram.ScramLoginModule required;",
        "scram-sha-512": f"{_LOGIN}.scram.ScramLoginModule required;",
        "oauthbearer": f'{_LOGIN}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="x";',
    }
    return {
        "listener.name.sasl.sasl.enabled.mechanisms": ",".join(modules).upper(),
        **{f"listener.name.sasl.{name}.sasl.jaas.config": module for name, module in modules.items()},
    }


def _users(made: Secured) -> None:
    with KafkaAdminClient(bootstrap_servers=made.open) as admin:
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
            users = [UserScramCredentialUpsertion(name, mechanism, word) for name, word in PASSWORDS.items()]
            assert not any(admin.alter_user_scram_credentials(users).values())
