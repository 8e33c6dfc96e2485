"""The spec compiler: spec/ in, generated/ out. Never imported at run time; README.md says why."""
