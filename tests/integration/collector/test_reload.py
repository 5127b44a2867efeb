"""The files of a collector are read again at SIGHUP, under load: nothing that it answers is dropped for it."""

from __future__ import annotations

import os
import signal
from http.client import HTTPConnection
from pathlib import Path

from deploy.kafka.broker import Broker, free_ports
from tests.integration.collector.clients.story import CATALOGUE
from tests.integration.collector.conftest import KEYS, SERVER, Site, environment, made_topic
from tests.integration.collector.load import Load
from tests.integration.collector.test_webhooks import example, signature
from tests.integration.support.collectors import CollectorProcess

FLYER = '\n[[link]]\ncode = "flyer"\nto = "https://shop.example/flyer"\ncampaign = "autumn"\nnetwork = "flyer"\n'
TEASER = '[touch]\n"Teaser Seen" = { action = "view", network = "tv" }\n'
UNSIGNED = 401


class Files:
    """A collector's files and its process."""

    def __init__(self, folder: Path, kafka: Broker) -> None:
        self.folder, topic = folder, made_topic(kafka)
        self.write("catalogue.toml", CATALOGUE)
        self.write("sources.toml", "")
        self.write("secret", "old secret")
        env = environment(folder, kafka, topic)
        del env["MAALSTROM_WEBHOOK_SECRET_SHOPIFY"]
        env |= {
            "MAALSTROM_CATALOGUE": str(folder / "catalogue.toml"),
            "MAALSTROM_SOURCES": str(folder / "sources.toml"),
            "MAALSTROM_WEBHOOK_SECRET_SHOPIFY_FILE": str(folder / "secret"),
        }
        self.process = CollectorProcess(folder / "log", free_ports(1)[0], env)
        self.site = Site(self.process, kafka, topic)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, "utf-8")

    def read_again(self, words: str) -> None:
        """Ask for it, and wait until that is said once more."""
        before = self.process.said().count(words)
        os.kill(self.process.pid, signal.SIGHUP)
        self.process.until(lambda: self.process.said().count(words) > before)

    def go(self, code: str) -> int:
        """The status that a link is answered with."""
        return self.site.ask("GET", f"/go/{code}").status

    def pixel(self, event: str, key: str) -> int:
        """The status that a pixel is answered with."""
        return self.site.ask("GET", f"/pixel.gif?k={key}&e={event}&a=lea").status

    def signed(self, secret: str) -> int:
        """The status that a webhook of Shopify's with that secret is answered with."""
        body = example("shopify")
        headers = {"Content-Type": "application/json", **signature("shopify", body, secret)}
        return self.site.ask("POST", "/webhooks/shopify", body, headers).status


def test_files_are_read_again_under_load_and_broken_ones_change_nothing(kafka: Broker, tmp_path: Path) -> None:
    files = Files(tmp_path, kafka)
    with files.process as process:
        process.wait_alive()
        with Load(process.port, SERVER) as load:
            load.goes_on()
            assert [files.go("flyer"), files.pixel("Teaser+Seen", "another-key-1")] == [404, 401]
            for name, broken in (("catalogue.toml", "[[goal"), ("sources.toml", "touch = 1"), ("keys", "name")):
                kept = (tmp_path / name).read_text("utf-8")
                files.write(name, broken)
                files.read_again("not read again, and what was read before stays")
                assert name in process.said().rpartition("not read again")[2]
                assert [files.go("poster"), files.pixel("Email+Opened", SERVER)] == [302, 200]
                files.write(name, kept)
            files.write("catalogue.toml", CATALOGUE + FLYER)
            files.write("sources.toml", TEASER)
            files.write("keys", f"{KEYS}more another-key-1 browser\n".replace("browser-key-1", "browser-key-2"))
            files.write("secret", "new secret")
            files.read_again("the files were read again")
            assert [files.go("flyer"), files.go("poster")] == [302, 302]
            seen = {key: files.pixel("Teaser+Seen", key) for key in ("another-key-1", "browser-key-2", "browser-key-1")}
            assert seen == {"another-key-1": 200, "browser-key-2": 200, "browser-key-1": UNSIGNED}
            assert [files.signed("old secret"), files.signed("new secret")] == [UNSIGNED, 200]
            load.goes_on()
        assert set(load.statuses) == {200}, load.statuses
        assert load.taken <= {key.decode() for key, _, _ in files.site.records() if key}
        assert process.terminate(15) == 0


def test_a_catalogue_that_is_gone_is_told_and_its_links_still_lead_on(kafka: Broker, tmp_path: Path) -> None:
    files = Files(tmp_path, kafka)
    with files.process as process:
        process.wait_alive()
        (tmp_path / "catalogue.toml").unlink()
        files.read_again("not read again")
        assert files.go("poster") == 302


def test_a_connection_is_kept_over_a_reading(kafka: Broker, tmp_path: Path) -> None:
    files = Files(tmp_path, kafka)
    with files.process as process:
        process.wait_alive()
        connection = HTTPConnection("127.0.0.1", process.port, timeout=30)
        for _ in range(2):
            connection.request("GET", "/go/poster")
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 302
            files.read_again("the files were read again")
        connection.close()
