"""What runs inside a recorded program, on every event."""
