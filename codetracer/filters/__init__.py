"""Trace filters: they choose the code to record and the values to show, redact or drop."""

from codetracer.filters.chain import FilterChain, FilterSource, Scope
from codetracer.filters.loading import load_chain

__all__ = ["FilterChain", "FilterSource", "Scope", "load_chain"]
