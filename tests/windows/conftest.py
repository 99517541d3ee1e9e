"""What is here runs on Windows's Python: ``make windows``."""

import sys

collect_ignore_glob = [] if sys.platform == "win32" else ["test_*.py"]
