"""The two sides of a backup, and the simulated devices that they talk to, each in processes of their own."""
