"""What providers tell after a send, and what follows from it. Knows no boto3."""
