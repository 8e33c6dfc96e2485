"""What `benchmarks/applications.py` is made of."""
