"""Possible ruptures in a series of ratings, and whether they were repaired."""
