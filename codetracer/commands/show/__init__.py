"""``codetracer show``: a module for each view; `views` reads the recording for all of them once."""
