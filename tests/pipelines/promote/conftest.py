from tests.pipelines.registry.conftest import empty_database

__all__ = ["empty_database"]
