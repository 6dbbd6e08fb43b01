"""Tests of annotator.formats."""
