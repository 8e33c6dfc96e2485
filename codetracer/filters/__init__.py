"""Trace filters: which code is recorded, and which values are shown, redacted or dropped."""

from codetracer.filters.chain import FilterChain, FilterSource, Scope
from codetracer.filters.loading import load_chain

__all__ = ["FilterChain", "FilterSource", "Scope", "load_chain"]
