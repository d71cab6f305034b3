"""A throwaway broker of Apache Kafka: own folder, free ports, one topic after another; KRaft mode on loopback.

The jars come from Maven Central by the pom beside this file, once, into .cache/. Needs Java 17 or newer and Maven.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "kafka"
JARS = CACHE / "lib"
START_SECONDS = 120
PASSWORD = "s3cret"
_CONFIGURATION = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{closed},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{closed}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
listener.name.sasl_ssl.sasl.enabled.mechanisms=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
  user_bank="{password}";
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
num.network.threads=1
num.io.threads=2
"""


class Unavailable(Exception):
    """This machine cannot provide a broker; the message is the reason."""


@dataclass(frozen=True)
class Broker:
    """A broker that runs."""

    folder: Path
    port: int
    closed: int
    """Port of the listener with TLS and a login: bank, `PASSWORD`."""
    process: subprocess.Popen[bytes]

    @property
    def servers(self) -> str:
        """Its address."""
        return f"127.0.0.1:{self.port}"

    @property
    def certificate(self) -> Path:
        """What signed the certificate of that listener: itself."""
        return self.folder / "certificate.pem"

    def stop(self) -> None:
        """End it at once and remove its files."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def start(folder: Path) -> Broker:
    """A broker, once it answers.

    Raises:
        Unavailable: Java or Maven is missing, the jars cannot be fetched, or it does not answer.
    """
    _fetch_jars()
    port, controller, closed = _free_port(), _free_port(), _free_port()
    file, data = folder / "server.properties", folder / "data"
    keystore = folder / "keystore.pem"
    key, certificate = _certified()
    keystore.write_bytes(key + certificate)
    (folder / "certificate.pem").write_bytes(certificate)
    file.write_text(
        _CONFIGURATION.format(
            port=port, controller=controller, closed=closed, data=data, keystore=keystore, password=PASSWORD
        )
    )
    cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    made = subprocess.run(
        _java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(file)),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        raise Unavailable(f"Kafka could not format its folder: {_tail(made.stdout + made.stderr)}")
    log = folder / "console.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            _java("kafka.Kafka", str(file)), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    broker, until = Broker(folder, port, closed, process), time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise Unavailable(f"Kafka ended with code {process.returncode} at start-up: {_tail(log.read_text())}")
        if _answers(broker):
            return broker
        time.sleep(0.2)
    broker.stop()
    raise Unavailable(f"Kafka did not answer within {START_SECONDS} s")


def _certified() -> tuple[bytes, bytes]:
    """A key for 127.0.0.1 and a certificate that it signed itself, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=2))
    made = made.add_extension(address, critical=False).add_extension(x509.BasicConstraints(True, None), critical=True)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _answers(broker: Broker) -> bool:
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    try:
        with socket.create_connection(("127.0.0.1", broker.port), timeout=1):
            pass
        AdminClient({"bootstrap.servers": broker.servers, "log_level": 0}).list_topics(timeout=2)
    except (OSError, KafkaException):
        return False
    return True


def _fetch_jars() -> None:
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise Unavailable(f"no {program} on this machine; install Java 17 or newer and Maven")
    if JARS.exists():
        return
    fresh = CACHE / f"lib-{os.getpid()}.part"
    command = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
    done = subprocess.run([*command, f"-DoutputDirectory={fresh}"], capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(fresh, ignore_errors=True)
        raise Unavailable(f"Maven could not fetch Kafka: {_tail(done.stdout + done.stderr)}")
    try:
        fresh.rename(JARS)
    except OSError:  # another process was first
        shutil.rmtree(fresh, ignore_errors=True)


def _java(main: str, *arguments: str) -> list[str]:
    brief = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"]
    return ["java", "-Xmx384m", *brief, "-cp", f"{JARS}/*", main, *arguments]


def _tail(text: str) -> str:
    return " / ".join(line.strip() for line in text.strip().splitlines()[-5:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
