"""What a recipe is: a document (models/README.md, section 3), the form of the tensors, and how it is trained.
recipes.py has them all.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from dataclasses import dataclass, field

from augment import Augmentation
from crops import Crops
from form import Form


@dataclass
class Recipe:
    document: dict
    form: Form
    # multibox: softmax and hard negatives, SSD's; focal: sigmoids; quality: quality.py; classes: a classifier's
    loss: str = "multibox"
    passes: float = 60
    batch: int = 32
    rate: float = 6e-4            # AdamW's, of neck, attention and heads
    trunk_rate: float = 1e-4      # ... of backbone and extras; a trunk from nothing wants `rate`
    frozen: int = 0               # convolutions of the trunk, from the front, that keep their weights
    still: float = 0.0            # part of the steps, at the beginning, in which all of the trunk does
    warm_up: int = 300            # steps
    decay: float = 0.01           # AdamW's weight decay
    average: float = 0.999        # of the exponential moving average of the weights, per step
    attend: float = 0.0           # weight of the loss that shows the spatial attention where the boxes are
    attend_rate: float = 1.0      # times `rate`, for the spatial attention's convolutions
    distil: float = 0.0           # weight of the teacher's scores and boxes
    distil_share: float = 0.5     # of every batch that the teacher is asked about
    mimic: float = 0.0            # weight of the teacher's features, where it looks at the same cells
    augmentation: Augmentation | Crops = field(default_factory=Augmentation)
