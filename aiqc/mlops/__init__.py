"""The high-level API: declare a study, then three verbs make its rows.

`Input`, `Target`, `Stratifier`, `Architecture` and `Trainer` describe; they write nothing and
never change. `Pipeline` makes a Splitset, `Experiment` a Queue, `Inference` a Prediction. A verb
whose content exists already returns the rows that exist, so a notebook cell can be run again.
`from aiqc.mlops import *` gives these names and all of `aiqc.orm`.
"""

from __future__ import annotations

import aiqc.orm
from aiqc.mlops.architecture import Architecture
from aiqc.mlops.experiment import Experiment
from aiqc.mlops.inference import Inference
from aiqc.mlops.input import Input
from aiqc.mlops.pipeline import Pipeline
from aiqc.mlops.stratifier import Stratifier
from aiqc.mlops.target import Target
from aiqc.mlops.trainer import Trainer
from aiqc.orm import *  # noqa: F403 - the high-level API holds the low-level one

__all__ = [  # noqa: RUF022 - in the order of a study
    "Input",
    "Target",
    "Stratifier",
    "Pipeline",
    "Architecture",
    "Trainer",
    "Experiment",
    "Inference",
]
__all__ += aiqc.orm.__all__
