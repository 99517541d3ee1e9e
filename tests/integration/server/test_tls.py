"""TLS: who is believed, and what is said when somebody is not."""

import datetime as dt
import ipaddress
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.server import CallFailed, Reason

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


class Authority(NamedTuple):
    name: x509.Name
    key: ec.EllipticCurvePrivateKey
    file: Path


def certificate(
    subject: x509.Name, key: Any, issuer: x509.Name, signer: Any, *extensions: Any, age: int = 0
) -> x509.Certificate:
    begins = NOW - DAY * (1 + age)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + DAY * 2)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hashes.SHA256())


def named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def pem(made: x509.Certificate) -> bytes:
    return made.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Authority]:
    """Makes a certificate authority by name."""

    def make(text: str) -> Authority:
        key, name = ec.generate_private_key(ec.SECP256R1()), named(text)
        basic = (x509.BasicConstraints(ca=True, path_length=None), True)
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        identity = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        made = certificate(name, key, name, key, basic, (usage, True), (identity, False))
        file = tmp_path_factory.mktemp("ca") / "ca.pem"
        file.write_bytes(pem(made))
        return Authority(name, key, file)

    return make


@pytest.fixture(scope="module")
def ours(authority: Any) -> Authority:
    return authority("Our own authority")  # type: ignore[no-any-return]


@pytest.fixture
def context(tmp_path: Path, ours: Authority) -> Callable[..., ssl.SSLContext]:
    """``context(host="127.0.0.1", age=0)``: a server's TLS with a certificate of ours."""

    def make(host: str = "127.0.0.1", age: int = 0) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ours.key.public_key())
        made = certificate(
            named("server"), key, ours.name, ours.key, (names, False), (issuer, False), age=age
        )
        file = tmp_path / "server.pem"
        file.write_bytes(
            pem(made)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(file)
        return tls

    return make


@pytest.fixture
def listening(serve: Any, good_ping: bytes) -> Callable[[ssl.SSLContext], Any]:
    """A server that answers pings over TLS."""

    def start(tls: ssl.SSLContext) -> Any:
        def script(peer: Any) -> None:
            peer.tls(tls)
            while request := peer.request():
                server.requests.append(request)
                peer.send(good_ping)

        server = serve(script)
        server.url = server.url.replace("http:", "https:")
        return server

    return start


def failing(server: Any) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        server.ping("01", 5)
    return caught.value


def test_a_private_authority_is_accepted_by_path(
    client: Any, listening: Any, context: Any, ours: Authority
) -> None:
    server = listening(context())
    caller = client(server.url, ca_file=str(ours.file))
    for _ in range(3):
        assert caller.ping("01", 5) > 0
    assert server.connections == 1, "a TLS connection is used again"


@pytest.mark.parametrize("ca", ["none", "another"])
def test_an_authority_that_is_not_known_is_a_bad_reply_and_nothing_is_sent(
    client: Any, listening: Any, context: Any, authority: Any, ca: str
) -> None:
    server = listening(context())
    other = str(authority("Another authority").file) if ca == "another" else None
    failure = failing(client(server.url, ca_file=other))
    assert failure.reason is Reason.BAD_REPLY
    assert "not signed by" in failure.message
    assert ("server.ca_file" in failure.message) is (ca == "none")
    assert not failure.reached
    assert server.requests == []


def test_a_certificate_for_another_host_is_a_bad_reply(
    client: Any, listening: Any, context: Any, ours: Authority
) -> None:
    failure = failing(client(listening(context("127.0.0.2")).url, ca_file=str(ours.file)))
    assert failure.reason is Reason.BAD_REPLY
    assert "another host" in failure.message


@pytest.mark.parametrize(("age", "words"), [(10, "has expired"), (-10, "not yet valid")])
def test_a_certificate_out_of_its_time_points_at_the_clock(
    client: Any, listening: Any, context: Any, ours: Authority, age: int, words: str
) -> None:
    failure = failing(client(listening(context(age=age)).url, ca_file=str(ours.file)))
    assert failure.reason is Reason.BAD_REPLY
    assert words in failure.message
    assert "clock" in failure.message


@pytest.mark.parametrize("spoil", ["missing", "not a certificate"])
def test_a_ca_file_that_cannot_be_used_is_a_local_error(
    client: Any, listening: Any, context: Any, tmp_path: Path, spoil: str
) -> None:
    server = listening(context())
    file = tmp_path / "ca.pem"
    if spoil != "missing":
        file.write_text("nothing")
    failure = failing(client(server.url, ca_file=str(file)))
    assert failure.reason is Reason.LOCAL_ERROR
    assert str(file) in failure.message
    assert server.requests == []


def test_a_ca_file_that_was_replaced_is_read_again(
    client: Any, listening: Any, context: Any, ours: Authority, authority: Any, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(authority("Last year's authority").file.read_bytes())
    caller = client(listening(context()).url, ca_file=str(file))
    assert failing(caller).reason is Reason.BAD_REPLY
    file.write_bytes(ours.file.read_bytes())
    assert caller.ping("01", 5) > 0


def test_plain_http_behind_an_https_address_is_a_bad_reply(
    client: Any, serve: Any, http: Any
) -> None:
    def script(peer: Any) -> None:
        peer.sock.recv(65536)
        peer.send(http(b"", "400 Bad Request"))

    failure = failing(client(serve(script).url.replace("http:", "https:")))
    assert failure.reason is Reason.BAD_REPLY
    assert "does not speak TLS" in failure.message
    assert not failure.reached


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_connection_that_ends_during_the_handshake_is_unreachable(
    client: Any, serve: Any, how: str
) -> None:
    def script(peer: Any) -> None:
        peer.sock.recv(65536)
        if how == "reset":
            peer.reset()

    failure = failing(client(serve(script).url.replace("http:", "https:")))
    assert failure.reason is Reason.UNREACHABLE
    assert not failure.reached
