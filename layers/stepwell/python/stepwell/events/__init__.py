"""Events: the envelope that SDKs send, checked, and the event that the engine works with."""
