"""How the variables KAFKA_* are taken: as a whole, or not at all."""

import os
from pathlib import Path

import pytest

from streams.config import ConfigError, load
from streams.config.brokers import Security, brokers_at
from streams.kafka.topics import Layout, specification

LOGIN = {"KAFKA_SASL_USERNAME": "me", "KAFKA_SASL_PASSWORD": "hunter2"}
SCRAM = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512", **LOGIN}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("MAALSTROM_", "BROKER_", "KAFKA_")):
            monkeypatch.delenv(name)


def chosen(monkeypatch: pytest.MonkeyPatch, **variables: str | Path) -> Security:
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))
    return load().bootstrap.security


def test_without_variables_it_is_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(monkeypatch) == Security() == brokers_at("one:1,two:2").security
    assert (Security().tls, Security().sasl) == (False, False)


def test_a_whole_configuration_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (pem := tmp_path / "pem").write_text("as Kafka has them")
    files = {f"KAFKA_SSL_{name}FILE": pem for name in ("CA", "CERT", "KEY")}
    found = chosen(monkeypatch, **SCRAM, **files, KAFKA_SSL_PASSWORD="of the key")
    assert found == Security("SASL_SSL", "SCRAM-SHA-512", "me", "hunter2", None, pem, pem, pem, "of the key")
    assert (found.tls, found.sasl) == (True, True)
    assert "hunter2" not in repr(found) + repr(load())
    assert "of the key" not in repr(found)


def test_names_may_be_in_lower_case(monkeypatch: pytest.MonkeyPatch) -> None:
    found = chosen(monkeypatch, **{**SCRAM, "KAFKA_SECURITY_PROTOCOL": "sasl_ssl", "KAFKA_SASL_MECHANISM": "plain"})
    assert (found.protocol, found.mechanism) == ("SASL_SSL", "PLAIN")


def test_a_password_may_be_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(" with spaces \n")
    without = {name: value for name, value in SCRAM.items() if name != "KAFKA_SASL_PASSWORD"}
    assert chosen(monkeypatch, **without, KAFKA_SASL_PASSWORD_FILE=tmp_path / "password").password == " with spaces "


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        (LOGIN, "KAFKA_SASL_PASSWORD is set, and KAFKA_SECURITY_PROTOCOL is not set; set it to SASL_SSL"),
        ({"KAFKA_SASL_MECHANISM": "PLAIN"}, "KAFKA_SASL_MECHANISM is set, and KAFKA_SECURITY_PROTOCOL is not set"),
        ({**SCRAM, "KAFKA_SECURITY_PROTOCOL": "SSL"}, "KAFKA_SASL_MECHANISM is set, .* is SSL; set it to SASL_SSL"),
        ({"KAFKA_SSL_CAFILE": "/ca"}, "KAFKA_SSL_CAFILE is set, .* is not set; set it to SSL or SASL_SSL"),
        ({"KAFKA_SSL_PASSWORD": "x"}, "KAFKA_SSL_PASSWORD is set, .* is not set; set it to SSL or SASL_SSL"),
        ({**SCRAM, "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SSL_CAFILE": "/ca"}, "KAFKA_SSL_CAFILE is set"),
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL is 'TLS'; it must be one of PLAINTEXT, SSL"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "KAFKA_SASL_MECHANISM is not set; it must be one of PLAIN"),
        ({**SCRAM, "KAFKA_SASL_MECHANISM": "GSSAPI"}, "KAFKA_SASL_MECHANISM is 'GSSAPI'; it must be one of PLAIN"),
        ({**SCRAM, "KAFKA_SASL_USERNAME": ""}, "SCRAM-SHA-512, and KAFKA_SASL_USERNAME is not set"),
        ({**SCRAM, "KAFKA_SASL_PASSWORD": ""}, r"KAFKA_SASL_PASSWORD is not set; .*KAFKA_SASL_PASSWORD_FILE"),
        ({**SCRAM, "KAFKA_SASL_OAUTH_TOKEN_FILE": "/t"}, "has no use for KAFKA_SASL_OAUTH_TOKEN_FILE"),
        ({**SCRAM, "KAFKA_SASL_MECHANISM": "OAUTHBEARER"}, "and KAFKA_SASL_OAUTH_TOKEN_FILE is not set"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CERTFILE": "/c"}, "KAFKA_SSL_KEYFILE is not; set both"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_KEYFILE": "/k"}, "KAFKA_SSL_CERTFILE is not; set both"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_PASSWORD": "x"}, "KAFKA_SSL_KEYFILE, the key that it is for"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CAFILE": "/no/ca"}, "KAFKA_SSL_CAFILE: cannot read /no/ca: No"),
        ({**SCRAM, "KAFKA_SASL_PASSWORD_FILE": "/p"}, "KAFKA_SASL_PASSWORD and KAFKA_SASL_PASSWORD_FILE are both set"),
        ({"KAFKA_SASL_PASSWORD_FILE": "/no/p"}, "KAFKA_SASL_PASSWORD_FILE: cannot read /no/p: No such file"),
        ({"KAFKA_SASL_PASSWORD_FILE": "/dev/null"}, "KAFKA_SASL_PASSWORD_FILE: /dev/null is empty"),
    ],
)
def test_half_a_configuration_is_refused(variables: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=says) as refused:
        chosen(monkeypatch, **variables)
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_prefix_goes_before_topics_and_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAALSTROM_TOPIC_PREFIX", "shop.")
    brokers = load().bootstrap
    assert (brokers.topic("events"), brokers.plain("shop.events"), brokers.plain("events")) == (
        "shop.events",
        "events",
        "events",
    )
    assert load().group == "shop.maalstrom"
    layout = Layout(load().group, prefix="shop.")
    assert {spec.name.startswith("shop.") for spec in specification(layout)} == {True}
    assert len(specification(layout)) == len(specification(Layout()))
    monkeypatch.setenv("MAALSTROM_TOPIC_PREFIX", "my shop")
    with pytest.raises(ConfigError, match="MAALSTROM_TOPIC_PREFIX is 'my shop'"):
        load()


@pytest.mark.parametrize(
    ("scheme", "protocol"), [("kafka+ssl", "SSL"), ("kafka+sasl", "SASL_SSL"), ("sasl_ssl", "SASL_SSL"), ("tls", "SSL")]
)
def test_a_scheme_of_faust_is_told_what_to_set(scheme: str, protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=rf"nothing was sent.* KAFKA_SECURITY_PROTOCOL={protocol} and"):
        chosen(monkeypatch, BROKER_URL=f"{scheme}://one:9092")
