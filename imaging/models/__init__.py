"""Every noun of imaging."""
