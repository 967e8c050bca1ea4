"""Finding out how to talk to a kind of device, for whoever writes its platform.

`trial` does what a platform says on a device, phase by phase. `learning` asks an unknown one harmless
questions; `hearing` tells answers from refusals, `recognising` says which platforms it is like, `drafting`
writes one. Nothing that a device sends is stored.
"""
