"""A PostgreSQL server of our own, to restore and to try on: started, used, and gone without trace.

What runs here is on this machine and nobody else's: the only database that is ever written to.
"""
