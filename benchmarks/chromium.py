"""A Chromium that is driven: a page, what it logs and what it asks the network for."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Opened", "browser", "found_chromium", "opened"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_QUIET = ("log", "info", "debug")


def found_chromium() -> str | None:
    """Path of an installed Chromium or Chrome."""
    return next((path for path in map(shutil.which, _NAMES) if path), None)


@dataclass
class Opened:
    """A page in Chromium.

    Attributes:
        page: Page of playwright.
        complaints: Warnings and errors in the console, and uncaught errors.
        requests: URLs that the page asked for, its own included.
    """

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def wait(self, script: str, until: Callable[[Any], bool] = bool, seconds: float = 60) -> Any:
        """Evaluate a script until its value is as wanted; return the value.

        Playwright's own waiting needs ``eval`` in the page, which the page forbids.

        Raises:
            TimeoutError: If the value is never as wanted.
        """
        end = time.monotonic() + seconds
        while not until(value := self.page.evaluate(script)):
            if time.monotonic() > end:
                raise TimeoutError(f"{script} is {value!r}; console: {self.complaints}")
            time.sleep(0.02)
        return value


@contextmanager
def browser(executable: str) -> Iterator[Any]:
    """A Chromium without window."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@contextmanager
def opened(chromium: Any, path: Path, **options: Any) -> Iterator[Opened]:
    """A file as a page.

    Args:
        chromium: From `browser`.
        path: The file.
        options: Those of playwright's ``new_context``, such as ``viewport`` and ``color_scheme``.
    """
    context = chromium.new_context(**options)
    found = Opened(context.new_page())
    found.page.on(
        "console",
        lambda said: None if said.type in _QUIET else found.complaints.append(said.text),
    )
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("request", lambda request: found.requests.append(request.url))
    found.page.goto(path.resolve().as_uri())
    yield found
    context.close()
