"""Finding out how to talk to a kind of device, for whoever writes its platform.

`trial` does what a platform says, on a real device, phase by phase. Nothing that a device sends is stored.
"""
