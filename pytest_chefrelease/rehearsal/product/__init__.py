"""What ChefCloud's release repository contains, and the data that its databases start with.

``history/`` has one folder per commit, laid over the work tree in the order of their names;
a name that begins with ``dot-`` stands for one that begins with a dot.
"""
