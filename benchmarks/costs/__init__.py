"""The parts of `benchmarks/applications.py`; `benchmarks/record.py` uses some of them."""
