"""What is written once per event of sys.monitoring: handlers, callbacks, registration.

Imports the standard library only. `codetracer` builds its behaviour on it.
"""
