"""How large `codetracer export` lets an export be: what it says, what it refuses, what it keeps."""

from __future__ import annotations

import os
import pty
import re
import sys
from pathlib import Path
from subprocess import DEVNULL, Popen

import pytest

from codetracer.errors import UsageError
from codetracer.export.spool import Spool
from codetracer_bindings import trace_encoder as encode
from tests import logs
from tests.company import Backend, elements, export
from tests.logs import NONE
from tests.running import trace_environ, write
