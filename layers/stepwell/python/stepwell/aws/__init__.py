"""The only place that knows boto3, the environment and the clock. Clients are made once, lazily."""
