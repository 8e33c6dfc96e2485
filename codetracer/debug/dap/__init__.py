"""The Debug Adapter Protocol over a recording: what editors speak."""
