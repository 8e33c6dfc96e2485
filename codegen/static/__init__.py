"""The code that repeats for each event of sys.monitoring and for each record of the trace log.

It imports only the standard library. `codetracer` builds its behaviour on it.
"""
