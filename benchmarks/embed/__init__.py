"""Makes the embedded benchmark from a workspace of `measure` and `train_candidates`.

See ``python -m benchmarks.embed --help``. `collect` reads and checks a whole benchmark, `extend`
adds devices to one, `replace_curves` gives it other learning curves. `contents` returns the bytes
of every file, `write` puts them into the package. Equal input gives equal bytes.
"""

from benchmarks.embed.collect import Collected, collect, extend, replace_curves
from benchmarks.embed.write import contents, datasheet, write

__all__ = ["Collected", "collect", "contents", "datasheet", "extend", "replace_curves", "write"]
