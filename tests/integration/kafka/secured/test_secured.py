"""Every client on a broker that lets in only who it knows: each way in, and what is said to whom it does not let in."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from kafka import KafkaConsumer

from streams import config
from streams.kafka.clients import BrokerError, Brokers, UnreachableError, connect
from streams.kafka.erasure import topics_of
from streams.kafka.topics import Layout, create, partition_count
from streams.simulate.envelopes import Simulated
from streams.simulate.feed import send
from tests.integration.support.records import stored
from tests.integration.support.secured.secured import HOSTS, PASSWORDS, Secured, right, secured, token
from tests.integration.support.secured.tls_front import TlsFront
from tests.support.certificates import Authority

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
PRINCIPALS = ("worker", "certified", "bearer")

# Clients that are refused leave their sockets to the garbage collector.
pytestmark = [pytest.mark.usefixtures("collected"), pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]


@pytest.fixture(scope="module")
def broker(java: None) -> Iterator[Secured]:
    """A secured broker with all topics; three principals may read and write `engagement`."""
    with secured() as made:
        create(made.open, Layout(partitions=1))
        made.allow([right(who, what, "topic", "*") for who in PRINCIPALS for what in ("Read", "Write")])
        yield made


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    return At(monkeypatch)


class At:
    """The brokers that an environment says."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def __call__(self, environment: Mapping[str, str]) -> Brokers:
        for name in os.environ:
            if name.startswith(("KAFKA_", "BROKER_")):
                self._patch.delenv(name)
        for name, value in environment.items():
            self._patch.setenv(name, value)
        return config.load().bootstrap


def ways_in(broker: Secured, folder: Path) -> dict[str, dict[str, str]]:
    (folder / "token").write_text(token("bearer") + "\n")
    pem = broker.authority.issue("certified", password="of the key")
    ways = {mechanism: broker.login(mechanism=mechanism) for mechanism in MECHANISMS}
    ways["OAUTHBEARER"] = broker.bearer(folder / "token")
    ways["a certificate"] = broker.certified(pem, KAFKA_SSL_PASSWORD="of the key")
    return ways


@pytest.mark.parametrize("way", [*MECHANISMS, "OAUTHBEARER", "a certificate"])
def test_each_client_gets_in_by(way: str, broker: Secured, at: At, tmp_path: Path) -> None:
    brokers = at(ways_in(broker, tmp_path)[way])
    send(brokers, [Simulated("engagement", way, b"by librdkafka")])
    assert (b"by librdkafka", way.encode()) in {(each.value, each.key) for each in stored(broker.open, "engagement")}
    with connect(KafkaConsumer, brokers) as consumer:
        assert "engagement" in consumer.topics()
    assert partition_count(brokers, "engagement") == 1


def refused(brokers: Brokers, kind: type[BrokerError] = BrokerError) -> str:
    """What all three clients say, which must be the same; shows no password."""
    with pytest.raises(kind) as aiokafka:
        partition_count(brokers, "engagement")
    with pytest.raises(kind) as erasure:
        asyncio.run(_opened(brokers))
    assert str(aiokafka.value) == str(erasure.value)
    assert "\n" not in str(aiokafka.value)
    assert not any(password in str(aiokafka.value) for password in (*PASSWORDS.values(), "hunter2"))
    return str(aiokafka.value)


async def _opened(brokers: Brokers) -> None:
    async with topics_of(brokers, "nobody"):
        pass


def test_a_wrong_password_is_told_with_the_user(broker: Secured, at: At) -> None:
    for mechanism in MECHANISMS:
        brokers = at(broker.login(mechanism=mechanism, KAFKA_SASL_PASSWORD="hunter2"))
        said = refused(brokers)
        assert "it refused user worker with the KAFKA_SASL_PASSWORD that is set" in said
    with pytest.raises(BrokerError) as kafka_python, connect(KafkaConsumer, brokers):
        pass
    with pytest.raises(BrokerError) as librdkafka:
        send(brokers, [])
    assert str(kafka_python.value) == str(librdkafka.value) == said


def test_a_mechanism_that_the_broker_has_not_is_told(broker: Secured, at: At) -> None:
    environment = broker.certified(broker.authority.issue("certified"))
    login = {name: value for name, value in broker.login().items() if name.startswith("KAFKA_SASL")}
    brokers = at({**environment, **login, "KAFKA_SECURITY_PROTOCOL": "SASL_SSL"})
    assert "takes no log-in; KAFKA_SECURITY_PROTOCOL is SASL_SSL" in refused(brokers)


def test_a_broker_whose_certificate_nobody_trusts_is_sent_nothing(broker: Secured, at: At, tmp_path: Path) -> None:
    foreign = Authority(tmp_path, "foreign").ca
    said = refused(at(broker.login(KAFKA_SSL_CAFILE=str(foreign))))
    assert "its certificate is not trusted" in said
    assert "KAFKA_SSL_CAFILE must name the authority" in said
    assert "its certificate is not trusted" in refused(at(broker.login(KAFKA_SSL_CAFILE=""))), "the system's either"


def test_a_broker_whose_certificate_has_expired_is_sent_nothing(broker: Secured, at: At) -> None:
    expired = broker.authority.issue("expired", HOSTS, days=-1)
    with TlsFront(broker.broker.port, expired) as front:
        said = refused(at(broker.login(BROKER_URL=f"kafka://localhost:{front.port}")))
    assert "its certificate is not trusted (certificate has expired)" in said


def test_a_certificate_is_for_a_host(broker: Secured, at: At) -> None:
    said = refused(at(broker.login(BROKER_URL=f"kafka://127.1:{broker.sasl}")))
    assert "Hostname mismatch" in said


def test_a_certificate_of_ones_own_must_be_trusted_and_in_force(broker: Secured, at: At, tmp_path: Path) -> None:
    foreign = Authority(tmp_path, "foreign").issue("certified")
    expired = broker.authority.issue("late", days=-1)
    for pem in (foreign, expired):
        assert f"must trust KAFKA_SSL_CERTFILE, {pem.cert}, and that must not" in refused(at(broker.certified(pem)))
    none = {name: value for name, value in broker.certified(foreign).items() if name[10:14] not in ("CERT", "KEYF")}
    assert "which may want a certificate (KAFKA_SSL_CERTFILE)" in refused(at(none))


def test_a_certificate_that_is_none_is_told_before_anything_is_sent(broker: Secured, at: At, tmp_path: Path) -> None:
    (tmp_path / "pem").write_text("no certificate")
    pem, other = broker.authority.issue("certified", password="of the key"), broker.authority.issue("other")
    for wrong, says in [
        ({"KAFKA_SSL_CAFILE": str(tmp_path / "pem")}, "KAFKA_SSL_CAFILE"),
        ({"KAFKA_SSL_CERTFILE": str(other.cert)}, "KAFKA_SSL_CERTFILE"),
        ({"KAFKA_SSL_PASSWORD": "hunter2"}, "needs KAFKA_SSL_PASSWORD"),
    ]:
        with pytest.raises(OSError, match=says) as told:
            partition_count(at(broker.certified(pem, **{"KAFKA_SSL_PASSWORD": "of the key", **wrong})), "engagement")
        assert "hunter2" not in str(told.value)


def test_another_protocol_than_the_listeners_is_told(broker: Secured, at: At) -> None:
    plain = {"BROKER_URL": f"kafka://localhost:{broker.sasl}"}
    assert "KAFKA_SECURITY_PROTOCOL is PLAINTEXT, and must be that of the listener" in refused(at(plain))
    secure = broker.login(BROKER_URL=f"kafka://{broker.open}")
    assert "KAFKA_SECURITY_PROTOCOL is SASL_SSL, and must be that of the listener" in refused(at(secure))


def test_a_token_is_read_again_for_each_connection(broker: Secured, at: At, tmp_path: Path) -> None:
    brokers = at(ways_in(broker, tmp_path)["OAUTHBEARER"])
    (tmp_path / "token").write_text(token("bearer", seconds=-60))
    assert "has expired; whoever writes it must renew it" in refused(brokers)
    (tmp_path / "token").write_text("\n")
    assert "is empty" in refused(brokers)
    (tmp_path / "token").write_text("no web token")
    assert "it refused the token in KAFKA_SASL_OAUTH_TOKEN_FILE" in refused(brokers)
    (tmp_path / "token").write_text(token("bearer"))
    assert partition_count(brokers, "engagement") == 1


def test_a_broker_that_is_not_there_is_not_one_that_refuses(broker: Secured, at: At) -> None:
    began = time.monotonic()
    assert "no Kafka broker answers at localhost:1" in refused(
        at(broker.login(BROKER_URL="kafka://localhost:1")), UnreachableError
    )
    assert time.monotonic() - began < 60
