@"%~dp0python\python.exe" -m engine.cli %*
