"""The DICOM network (DIMSE, PS3.7): devices push images in by C-STORE and test the line by C-ECHO."""
