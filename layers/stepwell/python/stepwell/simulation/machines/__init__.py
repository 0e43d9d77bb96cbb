"""An interpreter of Amazon States Language: the states that the compiler emits, as AWS runs them.

A definition is translated once into Python objects; what it says beyond what is known here is
refused by name when it is read, never skipped.
"""
