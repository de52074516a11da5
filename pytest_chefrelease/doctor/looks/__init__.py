"""One function per kind of source: it looks, and gives in a phrase what it saw.

Each raises a ProbeError where the source is not there, not accepted or not readable.
"""
