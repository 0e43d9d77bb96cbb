"""The same stack on one machine: moto as AWS, the synthesized template, the handlers, stepped
time.
"""
