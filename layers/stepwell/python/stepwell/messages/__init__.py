"""Messages: whether one may be sent, when and on which channel; and sending it once."""
