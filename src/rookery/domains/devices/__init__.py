"""Devices: what has a configuration and is reached by SSH or Telnet; and platforms, how to talk to its kind.

A platform is data: a TOML file in `platforms/`, or in the user's own `data_dir/platforms/`.
"""
