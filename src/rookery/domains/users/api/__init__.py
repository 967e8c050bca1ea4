"""The routes of users: what everybody has of their own, and what is done with the accounts of others."""
