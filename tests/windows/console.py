"""A console's events, raised as Windows raises them: by a thread in the process that they are for.

There is no console where tests run without a terminal, and wine 8 knows no Ctrl-Break. Windows
begins each of its events in the same way: a thread of the process runs ``CtrlRoutine``, which asks
the handlers that the process has.
"""

import subprocess
import sys

CTRL_C, CTRL_BREAK, CTRL_CLOSE, CTRL_SHUTDOWN = 0, 1, 2, 6

WINDOWS_WAITS = 5.0
"""Seconds until Windows ends a process whose window was closed."""


def raise_event(process: "subprocess.Popen[bytes]", event: int) -> None:
    """Raise one of the events above in a child of this process. OSError when that fails."""
    if sys.platform == "win32":
        import ctypes
        from ctypes import wintypes

        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        kernelbase = ctypes.WinDLL("kernelbase")
        routine = ctypes.cast(kernelbase.CtrlRoutine, ctypes.c_void_p)
        kernel32.CreateRemoteThread.argtypes = [
            wintypes.HANDLE,
            ctypes.c_void_p,
            ctypes.c_size_t,
            ctypes.c_void_p,
            ctypes.c_void_p,
            wintypes.DWORD,
            ctypes.c_void_p,
        ]
        kernel32.CreateRemoteThread.restype = wintypes.HANDLE
        handle = int(process._handle)  # type: ignore[attr-defined]
        thread = kernel32.CreateRemoteThread(handle, None, 0, routine, event, 0, None)
        if not thread:
            raise ctypes.WinError(ctypes.get_last_error())
        kernel32.CloseHandle(thread)
