"""What a thread may hand to the event loop."""


def carriable(error: BaseException, name: str) -> Exception:
    """``error`` as something that a future can carry and that ends nobody but its own caller.

    A future refuses StopIteration, and a SystemExit that somebody awaits would end the loop.
    """
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    wrapped = RuntimeError(f"{name} raised {type(error).__name__}")
    wrapped.__cause__ = error
    return wrapped
