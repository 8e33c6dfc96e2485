"""Leaves out the peer where it is not compared to: it runs on CPython 3.12 and 3.13 alone."""

import sys

collect_ignore = [] if sys.version_info[:2] == (3, 12) else ["test_peer.py", "test_equality.py"]
