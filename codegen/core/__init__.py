"""What every subject shares: rows, loading, rendering, formatting, writing, errors."""
