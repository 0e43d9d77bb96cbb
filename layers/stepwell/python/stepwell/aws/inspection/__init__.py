"""Looking at an AWS account for `stepwell doctor`: reads only, each a small named check.

A check asks AWS and lets a rule of `stepwell.readiness` judge the answer. One that may not ask, or
gets no answer, says so, and the others go on.
"""
