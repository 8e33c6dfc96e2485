"""Real test suites from PyPI, run as they are and recorded: ``python -m tests.suites``."""
