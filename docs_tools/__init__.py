"""Builds the documentation: runs the sessions that it shows, and makes its generated pages."""
