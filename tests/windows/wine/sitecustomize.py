"""What wine 8 lacks and Python would call, and end of: Python imports this at its start."""

import sys

if sys.platform == "win32":
    import _winapi

    sys.modules["_wmi"] = None  # type: ignore[assignment]  # asked by `platform`
    if hasattr(_winapi, "CopyFile2"):
        del _winapi.CopyFile2  # asked by shutil.copy
