"""Tests of annotator.preflight."""
