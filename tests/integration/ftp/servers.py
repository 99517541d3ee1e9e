"""FTP servers for tests: certificates, and vsftpd as a process of its own."""

import datetime as dt
import ipaddress
import os
import pwd
import signal
import socket
import subprocess
import time
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

STARTING = 10.0
_NOW = dt.datetime.now(dt.UTC)


class Identity(NamedTuple):
    """A server's certificate and key, and the authority that signed it; all PEM files."""

    authority: Path
    certificate: Path
    key: Path


def make_identity(folder: Path, host: str = "localhost", days: int = 2) -> Identity:
    """A certificate for ``host`` and 127.0.0.1, unless ``host`` is another one alone.

    It ends ``days`` from now; fewer than none: it has ended.
    """
    folder.mkdir(parents=True, exist_ok=True)
    signer, name = ec.generate_private_key(ec.SECP256R1()), _named(f"The authority of {host}")
    signing = x509.KeyUsage(
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
    authority = _certificate(
        *(name, signer, name, signer, 2),
        x509.BasicConstraints(ca=True, path_length=None),
        signing,
        x509.SubjectKeyIdentifier.from_public_key(signer.public_key()),
    )
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.DNSName(host)]
    if host == "localhost":
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    made = _certificate(
        *(_named(host), key, name, signer, days),
        x509.SubjectAlternativeName(names),
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
    )
    identity = Identity(folder / "authority.pem", folder / "server.pem", folder / "server.key")
    identity.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    identity.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    identity.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return identity


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name, key: Any, issuer: x509.Name, signer: Any, days: int, *extensions: Any
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOW - dt.timedelta(days=9))
        .not_valid_after(_NOW + dt.timedelta(days=days))
    )
    for extension in extensions:
        critical = isinstance(extension, x509.BasicConstraints | x509.KeyUsage)
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hashes.SHA256())


class Vsftpd:
    """vsftpd, from ``with`` to the end of its block, for ``anonymous``.

    It does not change its root: ``folder`` is where a log-in stands, so name folders relative
    to it. With an identity it takes FTPS alone, and demands that the TLS session of the
    commands is taken up again for the data.
    """

    def __init__(self, folder: Path, identity: Identity | None = None, **settings: object) -> None:
        self.folder = folder
        self.port = _free_port()
        self._settings: dict[str, object] = {
            "listen": "YES",
            "listen_address": "127.0.0.1",
            "listen_port": self.port,
            "background": "NO",
            "run_as_launching_user": "YES",
            "ftp_username": pwd.getpwuid(os.getuid()).pw_name,
            "nopriv_user": "nobody",
            "secure_chroot_dir": "/",
            "anonymous_enable": "YES",
            "no_anon_password": "YES",
            "anon_world_readable_only": "NO",
            "anon_root": folder,
            "local_enable": "NO",
            "seccomp_sandbox": "NO",
            "xferlog_enable": "NO",
        }
        if identity is not None:
            self._settings |= {
                "ssl_enable": "YES",
                "allow_anon_ssl": "YES",
                "force_anon_logins_ssl": "YES",
                "force_anon_data_ssl": "YES",
                "require_ssl_reuse": "YES",
                "ssl_ciphers": "HIGH",
                "rsa_cert_file": identity.certificate,
                "rsa_private_key_file": identity.key,
            }
        self._settings |= settings
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Listen, on the same port as before."""
        configuration = self.folder.parent / f"vsftpd-{self.port}.conf"
        lines = [f"{name}={value}\n" for name, value in self._settings.items()]
        configuration.write_text("".join(lines), encoding="utf-8")
        self._process = subprocess.Popen(["vsftpd", str(configuration)], start_new_session=True)
        ends = time.monotonic() + STARTING
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > ends:
                self.kill()
                raise AssertionError("vsftpd does not start")
            time.sleep(0.005)

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.kill()

    def kill(self) -> None:
        """End it and all its sessions at once, as a server that crashes."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        with closing(socket.socket()) as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0


def _free_port() -> int:
    with closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
