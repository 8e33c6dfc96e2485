"""``codetracer show``: a module a view, and `views`, which takes them through a recording once."""
