"""Parts that the stacks are put together from. (The PyPI package `constructs` is another thing.)"""
