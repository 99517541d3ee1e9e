"""The zip of an export: one member, of plain form, read with a watch on everything it claims."""

import errno
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.catalogue.manifest import Unusable

LARGEST_TEXT = 4 * 1024**3
"""Bytes of the CSV in an export."""
HIGHEST_RATIO = 200
"""So many times the bytes of the zip may be those of its CSV, beyond a small file's."""
SMALL = 10 * 1024**2
_LARGEST_DIRECTORY = 1024**2
_BLOCK = 65536
_LOCAL = struct.Struct("<4s5H3I2H")
_DEFLATED, _STORED = zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED
_ENCRYPTED, _SIZES_FOLLOW = 0x1, 0x8


@contextmanager
def opened(path: Path, name: str) -> Iterator["Member"]:
    """The CSV in a zip. ``name`` is the export's, for the sentences of :class:`Unusable`."""
    try:
        file = _Bounded(path, "rb")
    except FileNotFoundError:
        raise Unusable(f"{name} is not there.") from None
    with file:
        info = _only_member(file, name)
        with Member(file, info, name) as member:
            yield member


class _Bounded(io.FileIO):
    """A file of which nobody reads much at once: a directory of a zip can claim any size."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _LARGEST_DIRECTORY:
            raise zipfile.BadZipFile("its directory is too large")
        return super().read(size) or b""


def _only_member(file: io.FileIO, name: str) -> zipfile.ZipInfo:
    """The one member of a zip, if it is as a member has to be."""
    start = file.read(_LOCAL.size)
    if not start.startswith(b"PK"):
        page = start.lstrip().startswith(b"<")
        looks = " It looks like a web page." if page else ""
        raise Unusable(f"{name} is no zip.{looks}")
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, EOFError, struct.error, NotImplementedError) as error:
        raise Unusable(f"{name} is no whole zip: {_reason(error)}.") from None
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise Unusable(f"{name} is no whole zip: it points outside itself.") from None
    if len(members) != 1:
        raise Unusable(f"{name} holds {len(members)} files; an export holds one.")
    member = members[0]
    inside = member.orig_filename
    if not inside.isprintable() or any(sign in inside for sign in "/\\:") or inside in ("", ".."):
        raise Unusable(f"{name} holds a file with a path for a name, which is not taken.")
    if member.flag_bits & _ENCRYPTED:
        raise Unusable(f"{name} is encrypted.")
    if member.compress_type not in (_DEFLATED, _STORED):
        raise Unusable(f"{name} is compressed in another way than deflate.")
    size, packed = member.file_size, member.compress_size
    if size > LARGEST_TEXT:
        raise Unusable(f"{name} unpacks to {size} bytes; at most {LARGEST_TEXT} are taken.")
    if size > SMALL + HIGHEST_RATIO * packed:
        ratio = size // max(packed, 1)
        raise Unusable(f"{name} unpacks to {ratio} times its size; no honest export does.")
    _begin(file, member, start, name)
    return member


def _reason(error: Exception) -> str:
    text = str(error).strip().rstrip(".")
    return f"{text[:1].lower()}{text[1:100]}" if text else type(error).__name__


def _begin(file: io.FileIO, member: zipfile.ZipInfo, start: bytes, name: str) -> None:
    """Goes to where the member's bytes begin. Its header must say what the directory says."""
    different = Unusable(f"{name} contradicts itself: its header and its directory differ.")
    if member.header_offset != 0 or len(start) < _LOCAL.size:
        raise different
    sign, _, flags, method, _, _, crc, packed, size, name_size, extra = _LOCAL.unpack(start)
    file.seek(_LOCAL.size)
    local_name = file.read(name_size)
    encoding = "utf-8" if flags & 0x800 else "cp437"
    if (
        sign != b"PK\x03\x04"
        or flags != member.flag_bits
        or method != member.compress_type
        or local_name.decode(encoding, "replace") != member.orig_filename
    ):
        raise different
    said = {(crc, member.CRC), (packed, member.compress_size), (size, member.file_size)}
    long = 0xFFFFFFFF
    if not flags & _SIZES_FOLLOW and any(here not in (there, long) for here, there in said):
        raise different
    file.seek(extra, io.SEEK_CUR)


class Member(io.BufferedIOBase):
    """The bytes of the CSV. ``position`` counts those that were read.

    A reader raises :class:`Unusable` where the bytes are not what the zip says of them, and
    where more than ``granted`` bytes are read: whoever reads grants them bit by bit, so that a
    line without end does not fill the memory.
    """

    def __init__(self, file: io.FileIO, info: zipfile.ZipInfo, name: str) -> None:
        self.position = 0
        self.granted = LARGEST_TEXT
        self._file, self._info, self.name = file, info, name
        self._packed = info.compress_size
        self._pending = b""
        self._inflate = zlib.decompressobj(-15) if info.compress_type == _DEFLATED else None
        self._crc = 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def read1(self, size: int = -1, /) -> bytes:
        """What comes next, as it is unpacked, whatever size is asked for; nothing at the end."""
        del size  # larger portions are faster, and this is read by readers that take any
        data = self._next(_BLOCK)
        if not data:
            self._end()
            return data
        self._crc = zlib.crc32(data, self._crc)
        nul = data.find(b"\0")
        if nul >= 0:
            raise NulByte(data[:nul])
        self.position += len(data)
        if self.position > self._info.file_size:
            raise Unusable(f"{self.name} is damaged: it unpacks to more bytes than it says.")
        if self.position > self.granted:
            raise TooMuch
        return data

    def _next(self, most: int) -> bytes:
        if self._inflate is None:
            return self._more(most)
        try:
            while not self._inflate.eof:
                packed = self._pending or self._more(_BLOCK)
                data = self._inflate.decompress(packed, most)
                self._pending = self._inflate.unconsumed_tail
                if data:
                    return data
                if not packed:
                    raise Unusable(f"{self.name} is damaged: its compressed data has no end.")
        except zlib.error:
            raise Unusable(
                f"{self.name} is damaged: its compressed data cannot be unpacked."
            ) from None
        return b""

    def _more(self, most: int) -> bytes:
        data = self._file.read(min(most, self._packed))
        self._packed -= len(data)
        return data

    def _end(self) -> None:
        """All was read: is it what the zip says?"""
        left = self._packed or (self._inflate is not None and self._inflate.unused_data)
        if left or self.position != self._info.file_size or self._crc != self._info.CRC:
            raise Unusable(f"{self.name} is damaged: its size or its checksum does not fit.")


class NulByte(Exception):  # noqa: N818 - it names what was read
    """The CSV holds a NUL; ``before`` are the bytes that would have been read next."""

    def __init__(self, before: bytes) -> None:
        self.before = before
        super().__init__("a NUL")


class TooMuch(Exception):  # noqa: N818 - it says what was read
    """More bytes were read than were granted."""
