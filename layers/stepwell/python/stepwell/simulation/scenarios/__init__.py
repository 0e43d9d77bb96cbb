"""Scenario tests: `scenarios.yaml` beside a journey says who, what happens, and what must follow.

Given a customer, when these events happen, expect exactly this. A scenario is read (`reader`), run
on the simulator (`running`), and what happened is compared with what was expected (`comparison`).
"""
