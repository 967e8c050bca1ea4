"""A simulated fleet on loopback: devices that replay recorded sessions, for tests and the demo."""

from rookery.demo.fleet.script import Script, load_script
from rookery.demo.fleet.server import Behaviour, Fleet, SimulatedDevice

__all__ = ["Behaviour", "Fleet", "Script", "SimulatedDevice", "load_script"]
