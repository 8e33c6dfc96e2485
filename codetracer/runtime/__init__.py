"""The code that runs inside a recorded program, at every event."""
