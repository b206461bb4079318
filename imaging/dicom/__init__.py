"""Reading hostile DICOM: source (a data set), facts (its header), pixels (frames). Runs only in the limited child."""
