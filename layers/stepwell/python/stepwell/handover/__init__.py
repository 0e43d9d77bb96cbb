"""Handing a customer over to a human: the declared destinations, what they are told, and the record
of it.
"""
