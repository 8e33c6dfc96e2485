"""What is compiled from spec/effects/: the built-in effects, and the names of secrets."""
