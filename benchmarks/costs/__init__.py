"""What `benchmarks/applications.py` is made of; `benchmarks/record.py` uses some of it."""
