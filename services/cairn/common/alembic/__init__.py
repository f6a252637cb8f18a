"""Alembic's environment, one for all components; each keeps its revisions in its db/migrations."""
