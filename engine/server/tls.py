"""Whom the till believes: TLS contexts and handshakes within the deadline.

A certificate that does not prove who the server is fails as ``bad_reply``, not as
``unreachable``: something did answer, so there is no outage to wait for and no cable to look
at. It is a portal in the way, a wrong address, a certificate that ran out, a CA file that was
not replaced, or a till whose clock is wrong; the sentence says which. Nothing has been sent at
that moment.
"""

import socket
import ssl
import sys
import threading
from pathlib import Path

from engine.server.deadline import Deadline, describe
from engine.server.port import CallFailed, Reason

_NOT_YET_VALID, _EXPIRED = 9, 10
_SELF_SIGNED = (18, 19)
_NO_ISSUER = (2, 20, 21)
_OTHER_HOST = (62, 64)


class Trust:
    """The authorities that one server's certificate is checked against.

    With a CA file only that authority is believed; without one, those of the system, and
    where the system has none, those that come with requests (certifi). ``key`` is the key of
    till.yaml that names the CA file, for sentences.
    """

    def __init__(self, ca_file: Path | None, key: str = "server.ca_file") -> None:
        self._ca_file = ca_file
        self._key = key
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None

    def wrap(
        self,
        sock: socket.socket,
        host: str,
        deadline: Deadline,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:
        """The socket after a good handshake. Raises :class:`CallFailed`.

        ``session`` is one that this same object has made before, to be taken up again.
        """
        context = self._loaded(deadline.where)
        deadline.stage = "during the TLS handshake"
        try:
            secured = context.wrap_socket(
                sock, server_hostname=host, session=session, do_handshake_on_connect=False
            )
            _shake_hands(secured, deadline)
            return secured
        except ssl.SSLCertVerificationError as error:
            self.forget()
            raise CallFailed(
                Reason.BAD_REPLY, f"{deadline.where}: {_mistrust(error, self._ca_file, self._key)}"
            ) from None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            raise CallFailed(
                Reason.UNREACHABLE,
                f"{deadline.where}: the connection was closed during the TLS handshake",
            ) from None
        except ssl.SSLError as error:
            raise CallFailed(
                Reason.BAD_REPLY, f"{deadline.where}: no TLS with the server: {_reason(error)}"
            ) from None
        except OSError as error:
            raise deadline.broken(error) from None

    def forget(self) -> None:
        """Read the CA file again at the next handshake: it may have been replaced."""
        with self._lock:
            self._context = None

    def _loaded(self, where: str) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:
                self._context = self._load(where)
            return self._context

    def _load(self, where: str) -> ssl.SSLContext:
        if self._ca_file is None:
            context = ssl.create_default_context()
            paths = ssl.get_default_verify_paths()
            if sys.platform != "win32" and not (paths.cafile or paths.capath):
                import certifi

                context.load_verify_locations(certifi.where())
            return context
        try:
            return ssl.create_default_context(cafile=str(self._ca_file))
        except ssl.SSLError:
            why = "is not a certificate in PEM form"
        except OSError as error:
            why = f"cannot be read: {describe(error)}"
        raise CallFailed(
            Reason.LOCAL_ERROR, f"{where} was not called: the CA file {self._ca_file} {why}"
        )


def _shake_hands(sock: ssl.SSLSocket, deadline: Deadline) -> None:
    """Closes the socket when the handshake fails: nobody else knows of it yet."""
    try:
        while True:
            # The timeout is for the whole handshake: OpenSSL's loop in Python counts it down.
            sock.settimeout(deadline.wait())
            try:
                return sock.do_handshake()
            except TimeoutError as error:
                if error.errno is not None:
                    raise
    except BaseException:
        sock.close()
        raise


def _mistrust(error: ssl.SSLCertVerificationError, ca_file: Path | None, key: str) -> str:
    code = error.verify_code
    if code in _OTHER_HOST:
        return "its certificate is for another host: check the address"
    if code == _NOT_YET_VALID:
        return "its certificate is not yet valid: check the till's clock"
    if code == _EXPIRED:
        return "its certificate has expired, or the till's clock is wrong"
    if code in _SELF_SIGNED or code in _NO_ISSUER:
        named = f"the authority in {ca_file}" if ca_file else "an authority that the till knows"
        more = "" if ca_file else f"; a private authority is named by {key}"
        return f"its certificate is not signed by {named}{more}"
    return f"its certificate is not accepted: {error.verify_message}"


def _reason(error: ssl.SSLError) -> str:
    if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return "what answers does not speak TLS; is the address https:// by mistake?"
    return (error.reason or "handshake failed").replace("_", " ").lower()
