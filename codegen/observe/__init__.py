"""Runs CPythons, and reads and writes their observed behaviour in spec/observed/."""
