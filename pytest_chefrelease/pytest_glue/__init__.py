"""What ties the gate to pytest: options, selection, scheduling, reports."""
