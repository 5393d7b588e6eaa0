"""The predictions of a finished run as data frames: by video, by class, and as a confusion matrix."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.scored_videos import scored_ids
from avgzsl_bench.errors import AvbenchError, RecordError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from avgzsl_bench.data.data_spec import DataSpec
    from avgzsl_bench.records.decisions_file import DecisionTable


MOST_CLASSES = 5000
"""Of a confusion matrix, which then takes 200 MB."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """The predictions of a finished run at its bias, with the names of its `C` classes.

    Attributes:
        table: decisions and true classes of the `N` test videos, as positions in `names`.
        names: of the classes.
        seen: whether each class is a seen one.
        bias: what is subtracted from the scores of seen classes.
    """

    table: DecisionTable
    names: Sequence[str]
    seen: Sequence[bool]
    bias: float

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """Position of the predicted class of each video, `[N]`."""
        return self.table.decisions.predict(self.bias)

    def by_video(self, data: DataSpec, root: Path | str | None) -> pd.DataFrame:
        """Make a row for each test video.

        Args:
            data: of the run, to find the ids of the videos where the decisions have none.
            root: the data folder.
        """
        import pandas as pd

        name, role = self._names, self._roles
        label, decisions = self.table.label, self.table.decisions
        return pd.DataFrame(
            {
                "video": self._videos(data, root),
                "true_class": name[label],
                "role": role[label],
                "best_seen": name[decisions.best_seen],
                "best_unseen": name[decisions.best_unseen],
                "gap": decisions.gap,
                "predicted": name[self.predicted],
                "correct": self.predicted == label,
            }
        )

    def confusion_matrix(self) -> pd.DataFrame:
        """Count the videos of each true class (rows) by predicted class (columns), seen classes first.

        Raises:
            RecordError: there are too many classes.
        """
        import pandas as pd

        classes = len(self.names)
        if classes > MOST_CLASSES:
            raise RecordError(
                f"{classes:,} classes: a confusion matrix of more than {MOST_CLASSES:,} is too large"
            )
        cells = np.bincount(self.table.label * classes + self.predicted, minlength=classes * classes)
        order = self._order
        counts = cells.reshape(classes, classes)[np.ix_(order, order)]
        names = self._names[order]
        return pd.DataFrame(counts, pd.Index(names, name="true_class"), pd.Index(names, name="predicted"))

    def by_class(self) -> pd.DataFrame:
        """Make a row for each class, seen ones first: its accuracy, and the class it is most often taken for.

        Raises:
            RecordError: there are too many classes.
        """
        import pandas as pd

        order = self._order
        wrong = self.confusion_matrix().to_numpy(copy=True)
        np.fill_diagonal(wrong, 0)
        most = wrong.max(axis=1)
        found = self.table.class_accuracies(len(self.names), self.bias)
        videos, accuracy = zip(*(found[place] for place in order), strict=True)
        return pd.DataFrame(
            {
                "role": self._roles[order],
                "videos": np.array(videos),
                "accuracy": np.array(accuracy, dtype=np.float64),
                "taken_for": np.where(most > 0, self._names[order][wrong.argmax(axis=1)], None),
                "taken_for_videos": most,
            },
            index=pd.Index(self._names[order], name="class"),
        )

    def _videos(self, data: DataSpec, root: Path | str | None) -> Sequence[str] | NDArray[np.int64]:
        """Give the ids of the videos, or warn that there are none and number them."""
        if self.table.video_id is not None:
            return self.table.video_id
        try:
            return scored_ids(data, self._names[self.table.label].tolist(), root)
        except AvbenchError as error:
            text = f"the decisions hold no video ids, and they cannot be looked up: {error}"
            warnings.warn(f"{text}; videos are numbered instead", stacklevel=4)
            return np.arange(len(self.table.label))

    @property
    def _names(self) -> NDArray[Any]:
        return np.array(self.names, dtype=object)

    @property
    def _roles(self) -> NDArray[Any]:
        return np.array(["seen" if is_seen else "unseen" for is_seen in self.seen], dtype=object)

    @property
    def _order(self) -> NDArray[np.int64]:
        """Positions of the seen classes, then those of the unseen ones."""
        return np.argsort(~np.array(self.seen), kind="stable")
