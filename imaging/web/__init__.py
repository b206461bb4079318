"""DICOMweb (PS3.18): one base address for each consultation."""
