from tests.pipelines.registry.conftest import store

__all__ = ["store"]
