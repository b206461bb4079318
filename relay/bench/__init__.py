"""Load generator and measurements: `python -m relay.bench`."""
