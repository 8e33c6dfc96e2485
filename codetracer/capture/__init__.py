"""A program's output and input: catches them, and hands them to whoever asked for them."""
