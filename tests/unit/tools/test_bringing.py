"""A configuration out of a folder: the manifest is read first, and its word is held against it."""

from pathlib import Path

import pytest

from engine.lab.configurations import Configurations, TillFile
from engine.server.port import CallFailed, Configuration, Reason
from engine.settings import load_settings
from engine.tools.bringing import TIMEOUT, NotBrought, from_folder, webservice_timeout


class Folder:
    """The files below a folder, as an FTP server would have them; ``asked`` says which."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked: list[tuple[str, float]] = []

    def read(self, name: str, limit: int, *, timeout: float) -> bytes:
        self.asked.append((name, timeout))
        try:
            content = (self.root / name).read_bytes()
        except FileNotFoundError:
            raise CallFailed(Reason.BAD_REPLY, f"there is no {name}") from None
        assert len(content) <= limit
        return content


@pytest.fixture
def there(tmp_path: Path) -> Configurations:
    """What the lab's server has for a shop with three tills."""
    there = Configurations()
    files = [
        TillFile("shop.yaml", b"workers: 2\n", ("01", "02")),
        TillFile("03.yaml", b"", ("03",)),
    ]
    there.put("0042", ["01", "02", "03"], files)
    there.publish(tmp_path, "0042")
    return there


def test_the_file_that_the_manifest_names_for_all_tills_is_brought(
    there: Configurations, tmp_path: Path
) -> None:
    folder = Folder(tmp_path)
    known = ("01", "02", "03")
    assert from_folder(folder, ["02", "01"], 7.0) == Configuration(
        "shop.yaml", b"workers: 2\n", "0042", known
    )
    assert folder.asked == [("config/config.json", 7.0), ("config/shop.yaml", 7.0)]
    assert from_folder(folder, ["03"], 7.0).raw == b""


def test_for_a_till_that_is_not_known_no_file_is_asked_for(
    there: Configurations, tmp_path: Path
) -> None:
    """Which tills are known is told."""
    folder = Folder(tmp_path)
    assert from_folder(folder, ["01", "04"], 7.0).tills == ("01", "02", "03")
    assert len(folder.asked) == 1


def test_what_does_not_fit_the_manifest_is_refused(there: Configurations, tmp_path: Path) -> None:
    """Other bytes, no file for all tills at once, a manifest that is none."""
    path = tmp_path / "config" / "shop.yaml"
    path.write_bytes(b"workers: 3\n")
    for tills, words in (
        (["01"], "The file config/shop.yaml of the FTP server cannot be used: shop.yaml is not"),
        (["01", "03"], "config.json of the FTP server cannot be used: it names no file for till"),
    ):
        with pytest.raises(NotBrought) as caught:
            from_folder(Folder(tmp_path), tills, 7.0)
        assert words in str(caught.value)
    path.unlink()
    with pytest.raises(CallFailed, match=r"there is no config/shop\.yaml"):
        from_folder(Folder(tmp_path), ["01"], 7.0)
    (tmp_path / "config" / "config.json").write_text("<html>", encoding="utf-8")
    with pytest.raises(NotBrought, match="cannot be used: it is not JSON, or it is cut short"):
        from_folder(Folder(tmp_path), ["01"], 7.0)


@pytest.mark.parametrize(
    ("more", "seconds"),
    [
        ("parameters: {webservice_timeout: 7s}", 7.0),
        ("", TIMEOUT),
        ("parameters: {webservice_timeout: never}", TIMEOUT),
        ("machine: own.yaml", TIMEOUT),
    ],
)
def test_a_call_takes_no_longer_than_the_settings_allow(
    tmp_path: Path, more: str, seconds: float
) -> None:
    """A machine or a parameter that is at fault does not keep a better configuration away."""
    (tmp_path / "own.yaml").write_text("machine: own\nstates: 1\n", encoding="utf-8")
    config = tmp_path / "till.yaml"
    config.write_text(
        "shop: '1'\ntill: '1'\nserver: {protocol: soap, url: 'http://a.example'}\n" + more, "utf-8"
    )
    assert webservice_timeout(load_settings(config)) == seconds
