"""The watch: it ran its full time, and somebody looked all the while."""

from pytest_chefrelease.plugin import verification

test_watch_complete = verification("watch.complete")
