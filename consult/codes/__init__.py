"""Coded words of medicine that the pages offer: ICD-10."""
