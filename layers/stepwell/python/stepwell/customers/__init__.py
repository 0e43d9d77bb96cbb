"""Customers: who they are, what is known about them, which enrollments they are in."""
