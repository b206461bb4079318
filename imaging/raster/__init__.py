"""Bytes and pixels: what a file is, photos, windowing, encoding. Knows no database and no DICOM header."""
