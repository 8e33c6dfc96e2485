"""Runs a module as ``python -m`` would, for tools that can only run a script."""

import runpy
import sys

sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
