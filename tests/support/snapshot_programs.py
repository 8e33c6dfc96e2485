"""Programs of different kinds, to be recorded and compared with what they really do.

They are deterministic, and keep to what a recording shows at once: `tests.record.test_delta` has
what it shows late.
"""

from tests.support.snapshot_functions import FUNCTIONS
from tests.support.snapshot_values import VALUES

PROGRAMS = VALUES | FUNCTIONS
