"""Run by Alembic. The connection, its transaction and its lock come from store/schema.py."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
