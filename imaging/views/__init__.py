"""HTTP doors of imaging."""
