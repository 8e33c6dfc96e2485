"""Scripts that run inside a foreign interpreter, which has nothing installed.

They import the standard library only, and nothing of this project.
"""
