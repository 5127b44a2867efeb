"""A real Apache Kafka without Docker: KRaft brokers on 127.0.0.1, their data in a temporary folder.

For development (`make kafka`) and tests. Needs Java 17 or newer, and Maven, which resolves `pom.xml` the first time.
Imports the standard library only, so that it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import functools
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from deploy.kafka import java

CLUSTER_ID = "bWFhbHN0cm9tLWthZmthLQ"
READY_LINE = "Kafka Server started"
# Below Linux's range of ephemeral ports: there a client that retries a stopped broker can take the port itself.
PORTS = range(20_000, 32_000)


class BrokerError(RuntimeError):
    """A broker did not start; the message has the end of its log."""


def free_ports(count: int) -> list[int]:
    """Return `count` different ports of `PORTS` on which nothing listens on 127.0.0.1."""
    return list(islice((port for port in random.sample(PORTS, len(PORTS)) if port_is_free(port)), count))


def port_is_free(port: int) -> bool:
    """Whether 127.0.0.1:`port` can be listened on."""
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return True
    return False


def dies_with_parent(command: list[str]) -> list[str]:
    """Return `command` so that it is killed with the thread that starts it; unchanged where there is no `setpriv`."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", *command] if setpriv else command


@dataclass
class Broker:
    """One broker (and controller), started again on the same data and port as often as wanted.

    Start it from the main thread: where `setpriv` exists, the broker dies with the thread that started it.
    """

    node: int
    port: int
    controller_port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def config(self) -> Path:
        """The file with its settings."""
        return self.folder / "server.properties"

    @property
    def data(self) -> Path:
        """The folder with its records."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """The file with what the broker said since it was last started."""
        return self.folder / "broker.log"

    def format(self, settings: Mapping[str, str]) -> None:
        """Write `server.properties` from `settings`, and the (new) data folder: it is formatted once for each node, and
        copied from then on."""
        self.folder.mkdir(parents=True)
        self.config.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        formatted = java.kept(f"node-{self.node}")
        if formatted.exists():
            shutil.copytree(formatted, self.data)
            return
        self._format()
        with suppress(OSError):  # where nothing can be kept, or another process has kept its own just now
            java.keep(formatted, lambda scratch: shutil.copytree(self.data, scratch))

    def _format(self) -> None:
        command = java.command("kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER_ID)
        done = subprocess.run([*command, "--config", str(self.config)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BrokerError(f"formatting {self.folder} failed: {(done.stdout + done.stderr)[-2000:]}")

    def launch(self, record: Path | None = None) -> None:
        """Start the process without waiting until it serves; with `record`, it writes an archive of its classes there
        as it ends."""
        command = dies_with_parent(java.command("kafka.Kafka", str(self.config), record=record))
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self, timeout: float = 60) -> None:
        """Wait until the broker serves, or raise `BrokerError` with the end of its log."""
        deadline = time.monotonic() + timeout
        while READY_LINE not in self.log.read_text(errors="replace"):
            ended = self.process is None or self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                tail = self.log.read_text(errors="replace")[-2000:]
                self.kill()
                raise BrokerError(f"broker {self.node} {'ended' if ended else 'is not ready'}: {tail}")
            time.sleep(0.05)

    def start(self) -> None:
        """Start on the data and port it had, and wait until it serves."""
        self.launch()
        self.wait()

    def stop(self, timeout: float = 30) -> None:
        """Shut down in order (leaders move, logs are flushed); killed after `timeout` seconds."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def kill(self) -> None:
        """`kill -9`: nothing is flushed, no leader is handed over."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass(frozen=True)
class Cluster:
    """Brokers of one KRaft cluster; three of them survive the loss of any one."""

    brokers: tuple[Broker, ...]

    @property
    def bootstrap(self) -> str:
        """`host:port,…` of every broker."""
        return ",".join(broker.bootstrap for broker in self.brokers)

    def start(self) -> None:
        """Start every broker (at once: a quorum needs most of them) and wait until all serve."""
        archive_classes()
        for broker in self.brokers:
            broker.launch()
        for broker in self.brokers:
            broker.wait()

    def stop(self) -> None:
        """Kill every broker: what is thrown away needs no farewell."""
        for broker in self.brokers:
            broker.kill()


@functools.cache
def archive_classes() -> None:
    """Make the archive of classes unless there is one, by a broker that is started for it: brokers start with it in
    half the time of a processor. Where none can be kept they start without."""
    archive = java.archive()
    with suppress(OSError, subprocess.TimeoutExpired), java.alone():
        if not archive.exists():
            java.keep(archive, _record)


def _record(archive: Path) -> None:
    with _formatted(1) as single:
        (broker,) = single.brokers
        broker.launch(record=archive)
        broker.wait()
        assert broker.process is not None
        broker.process.terminate()
        broker.process.wait(timeout=120)


@contextmanager
def cluster(size: int = 1, port: int | None = None, settings: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """Run a cluster of `size` brokers; ended, and its data removed, when the block ends.

    Args:
        size: brokers, each of them a controller too. Three, not two, where one has to be lost: two are a quorum
            only together.
        port: of the first broker; free ports are taken for all else.
        settings: broker settings that replace those of `settings_of`.
    """
    with _formatted(size, port, settings) as whole:
        whole.start()
        yield whole


@contextmanager
def _formatted(size: int, port: int | None = None, settings: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="maalstrom-kafka-"))
    first = [port] if port else []
    ports = iter(first + free_ports(2 * size))
    whole = Cluster(tuple(Broker(n, next(ports), next(ports), folder / str(n)) for n in range(1, size + 1)))
    try:
        for broker in whole.brokers:
            broker.format({**settings_of(broker, whole), **(settings or {})})
        yield whole
    finally:
        whole.stop()
        shutil.rmtree(folder, ignore_errors=True)


def settings_of(broker: Broker, whole: Cluster) -> dict[str, str]:
    """Return the broker's settings: small, quick, and as strict as a production cluster of its size."""
    size = len(whole.brokers)
    enough = str(max(1, size - 1))
    return {
        "process.roles": "broker,controller",
        "node.id": str(broker.node),
        "controller.quorum.voters": ",".join(f"{b.node}@127.0.0.1:{b.controller_port}" for b in whole.brokers),
        "listeners": f"PLAINTEXT://127.0.0.1:{broker.port},CONTROLLER://127.0.0.1:{broker.controller_port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(broker.data),
        "auto.create.topics.enable": "false",
        "num.partitions": "4",
        "default.replication.factor": str(size),
        "min.insync.replicas": enough,
        "offsets.topic.replication.factor": str(size),
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": str(size),
        "transaction.state.log.min.isr": enough,
        # A killed broker is missed, and let in again, after this long.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "group.initial.rebalance.delay.ms": "0",
        "log.cleaner.dedupe.buffer.size": str(4 << 20),
        "log.cleaner.backoff.ms": "500",
        "log.index.size.max.bytes": str(1 << 20),
    }


def main() -> int:
    """Serve one broker in the foreground until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(description="Run a real Apache Kafka broker on 127.0.0.1; its data goes with it.")
    parser.add_argument("--port", type=int, default=9092)
    port: int = parser.parse_args().port
    if not port_is_free(port):
        print(f"port {port} of 127.0.0.1 is in use; choose another: make kafka PORT=9093", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        print("starting Kafka (the first time Maven downloads it) ...", flush=True)
        _serve(port)
    except KeyboardInterrupt:
        print("stopped", flush=True)
    except (java.UnavailableError, BrokerError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _serve(port: int) -> None:
    # A person tries things out here, so unknown topics come into being as with a stock broker.
    with cluster(port=port, settings={"auto.create.topics.enable": "true"}) as single:
        broker = single.brokers[0]
        print(f"Kafka is ready at {broker.bootstrap} (data in {broker.folder}, removed at the end); Ctrl-C stops it")
        sys.stdout.flush()
        if broker.process is not None:
            code = broker.process.wait()
            raise BrokerError(f"the broker ended by itself with status {code}: {broker.log.read_text()[-2000:]}")


if __name__ == "__main__":
    sys.exit(main())
