"""The command line, `stepwell`: design time, never deployed."""
