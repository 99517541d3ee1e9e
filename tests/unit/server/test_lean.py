"""requests is loaded without what the agent never uses of it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
STORY = """
import sys
from engine.server.lean import load_requests
load_requests()
assert "charset_normalizer" not in sys.modules, "the guesser was loaded"
import requests
answer = requests.Response()
answer._content = "café".encode()
assert answer.text == "café", answer.text
import charset_normalizer
assert charset_normalizer.detect(b"abc")["encoding"], "nobody else may miss it"
load_requests()
"""


def test_requests_comes_without_its_guesser_of_character_sets_and_without_a_warning() -> None:
    """3 MB less; a text is then taken for UTF-8, and others may still load the guesser."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "utf8", "-c", STORY],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
