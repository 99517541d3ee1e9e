"""A central server to try tills against, faults included.

It shares no code with the client in ``engine.server``: the two meet only on the wire.
"""

from engine.lab.central import Lab
from engine.lab.knobs import BadKnobError
from engine.lab.ledger import LabError
from engine.lab.thread import LabThread

__all__ = ["BadKnobError", "Lab", "LabError", "LabThread"]
