"""Whether a new model takes the place of the one in use.

`decide` compares a challenger with the champion, each an `Entrant` with its answers on the same
test rows, under `Gates`; the `Decision` says what, why and on which figures. `paired_bootstrap` is
the comparison by itself. `describe_growth` says what is new in a
table since the champion was made. Plain numbers and tables: nothing here knows a model or a
registry.
"""

from brpnas.promotion.bootstrap import Difference, Statistic, paired_bootstrap
from brpnas.promotion.decide import decide
from brpnas.promotion.decision import Decision, Verdict
from brpnas.promotion.entrant import Entrant, check_rows
from brpnas.promotion.gates import Gates, Kind
from brpnas.promotion.growth import describe_growth, growth_sentences

__all__ = [
    "Decision",
    "Difference",
    "Entrant",
    "Gates",
    "Kind",
    "Statistic",
    "Verdict",
    "check_rows",
    "decide",
    "describe_growth",
    "growth_sentences",
    "paired_bootstrap",
]
