"""A real Apache Kafka without Docker: KRaft brokers on 127.0.0.1, their data in a temporary folder.

For development (`make kafka`) and tests. Needs Java 17 or newer, and Maven, which resolves `pom.xml` the first time.
Imports the standard library only, so that it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import os
import random
import re
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

HERE = Path(__file__).resolve().parent
CLUSTER_ID = "bWFhbHN0cm9tLWthZmthLQ"
READY_LINE = "Kafka Server started"
JAVA_FLAGS = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j.shutdownHookEnabled=false")
# Below Linux's range of ephemeral ports: there a client that retries a stopped broker can take the port itself.
PORTS = range(20_000, 32_000)


class UnavailableError(RuntimeError):
    """This machine cannot run a broker; the message says what is missing and what to do."""


class BrokerError(RuntimeError):
    """A broker did not start; the message has the end of its log."""


def require_java() -> None:
    """Raise `UnavailableError` unless Java 17 or newer, and Maven, are on PATH."""
    java = shutil.which("java")
    if java is None:
        raise UnavailableError(
            "no `java` on PATH: a Kafka broker needs Java 17 or newer (Debian: openjdk-17-jre-headless)"
        )
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', answer)
    if version is None or int(version[1]) < 17:
        raise UnavailableError(
            f"{java} is too old for Kafka 4, which needs Java 17 or newer: {answer.splitlines()[:1]}"
        )
    if shutil.which("mvn") is None:
        raise UnavailableError("no `mvn` on PATH: the broker is resolved with Maven (Debian: maven)")


@functools.cache
def classpath() -> str:
    """Return the broker's class path, resolved by Maven once for each version of `pom.xml`."""
    require_java()
    cached = HERE / ".cache" / f"{hashlib.sha256((HERE / 'pom.xml').read_bytes()).hexdigest()[:16]}.classpath"
    if not (cached.exists() and all(Path(jar).exists() for jar in cached.read_text().split(os.pathsep))):
        cached.parent.mkdir(exist_ok=True)
        _resolve(cached)
    return cached.read_text()


def _resolve(target: Path) -> None:
    scratch = target.with_suffix(f".{os.getpid()}")
    goal = ["dependency:build-classpath", f"-Dmdep.outputFile={scratch}", "-Dmdep.includeScope=runtime"]
    command = ["mvn", "--batch-mode", "--quiet", "--file", str(HERE / "pom.xml"), *goal]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=1200)
    if done.returncode != 0:
        raise UnavailableError(f"Maven could not resolve the broker: {(done.stdout + done.stderr).strip()[-2000:]}")
    scratch.replace(target)


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
    def log(self) -> Path:
        """The file with what the broker said since it was last started."""
        return self.folder / "broker.log"

    def format(self, settings: Mapping[str, str]) -> None:
        """Write `server.properties` from `settings` and format the (new) data folder."""
        self.folder.mkdir(parents=True)
        config = self.folder / "server.properties"
        config.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        command = _java("kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER_ID, "--config", str(config))
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BrokerError(f"formatting {self.folder} failed: {(done.stdout + done.stderr)[-2000:]}")

    def launch(self) -> None:
        """Start the process without waiting until it serves."""
        command = dies_with_parent(_java("kafka.Kafka", str(self.folder / "server.properties")))
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
        for broker in self.brokers:
            broker.launch()
        for broker in self.brokers:
            broker.wait()

    def stop(self) -> None:
        """Kill every broker: what is thrown away needs no farewell."""
        for broker in self.brokers:
            broker.kill()


@contextmanager
def cluster(size: int = 1, port: int | None = None, settings: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """Run a cluster of `size` brokers; ended, and its data removed, when the block ends.

    Args:
        size: brokers, each of them a controller too. Three, not two, where one has to be lost: two are a quorum
            only together.
        port: of the first broker; free ports are taken for all else.
        settings: broker settings that replace those of `settings_of`.
    """
    folder = Path(tempfile.mkdtemp(prefix="maalstrom-kafka-"))
    first = [port] if port else []
    ports = iter(first + free_ports(2 * size))
    brokers = tuple(Broker(n, next(ports), next(ports), folder / str(n)) for n in range(1, size + 1))
    whole = Cluster(brokers)
    try:
        for broker in brokers:
            broker.format({**settings_of(broker, whole), **(settings or {})})
        whole.start()
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
        "log.dirs": str(broker.folder / "data"),
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


def _java(main: str, *arguments: str) -> list[str]:
    logging = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
    return ["java", *JAVA_FLAGS, logging, "-cp", classpath(), main, *arguments]


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
    except (UnavailableError, BrokerError) as error:
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
