"""The commands of the command line that record a program and that read recordings."""
