from tests.pipelines.registry.conftest import empty_database, store

__all__ = ["empty_database", "store"]
