"""Which of the tensors in a file are the network: training scripts put them under all kinds of keys and prefixes,
beside optimizers, averages and losses.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
from dataclasses import dataclass, field

from converter.pickles import Inert
from shared.faults import DataError
from shared.leaves import Leaf, Odd

DEEPEST = 16  # dictionary in a dictionary
SHOWN = 4     # names in a message
PARTS = 2     # groups in a group: a network among others, and its trunk
# Parts of names that wrappers put there: DataParallel, torch.compile, FSDP, activation checkpoints.
WRAPPING = ("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
AVERAGED = ("ema", "averaged", "average", "avg", "swa", "shadow")  # parts of the keys of averaged weights


@dataclass
class Weights:
    """Tensors that lie together in a file: candidates for being the network."""

    keys: tuple                                   # where they lie
    leaves: dict                                  # {name: something with array()}
    document: object = None                       # what stands under "cbamdetect" beside or above them
    other: list = field(default_factory=list)     # names of what lies beside them under another prefix

    @property
    def label(self):
        return ".".join(self.keys)

    @property
    def title(self):
        return f"'{self.label}'" if self.keys else "the file's own names"

    @property
    def is_average(self):
        return any(part in AVERAGED for key in self.keys for part in key.lower().replace(".", "_").split("_"))

    def arrays(self):
        """({name: array}, {name: what it is instead})"""
        arrays, odd = {}, {}
        for name, leaf in self.leaves.items():
            try:
                arrays[name] = leaf.array()
            except Odd as error:
                odd[name] = str(error)
        return arrays, odd


def weights_in(loaded):
    """All Weights of a file, and the names of the classes of whole nets in it."""
    found, nets, seen = [], [], set()

    def look(value, keys, document):
        if id(value) in seen or len(keys) > DEEPEST:
            return
        seen.add(id(value))
        if isinstance(value, Inert) and value.is_net:
            nets.append(value.of)
            return
        if isinstance(value, dict):
            document = value.get("cbamdetect", document)
            leaves = {name: leaf for name, leaf in value.items() if isinstance(name, str)
                      and isinstance(leaf, Leaf) and not name.endswith("num_batches_tracked")}
            if leaves:
                found.append(Weights(keys, unwrapped(leaves), document))
        inner = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
        inner += list(value.state.items()) if isinstance(value, Inert) else []
        for key, one in inner:
            if isinstance(one, (dict, list, tuple)):
                look(one, (*keys, str(key)), document)

    if isinstance(loaded, (dict, list, tuple)):
        look(loaded, (), None)
    return found, nets


def unwrapped(leaves):
    """The leaves under their names without what wrappers put there, where that leaves the names different."""
    names = [".".join(part for part in name.split(".") if part not in WRAPPING) or name for name in leaves]
    return dict(zip(names, leaves.values())) if len(set(names)) == len(names) else leaves


def readings(weights):
    """The same with fewer and fewer of the prefixes that all names share."""
    yield weights
    while True:
        first = {name.partition(".")[0] for name in weights.leaves}
        if len(first) != 1 or not all("." in name for name in weights.leaves):
            return
        leaves = {name.partition(".")[2]: leaf for name, leaf in weights.leaves.items()}
        weights = Weights(weights.keys, leaves, weights.document)
        yield weights


def groups(weights):
    """What begins alike, for each beginning: two networks in one dictionary, or one and its loss."""
    parts = {}
    for name, leaf in weights.leaves.items():
        first, dot, rest = name.partition(".")
        if dot:
            parts.setdefault(first, {})[rest] = leaf
    for first, leaves in parts.items():
        other = [name for name in weights.leaves if not name.startswith(first + ".")]
        yield Weights((*weights.keys, first), leaves, weights.document, other)


def known_weights(found, knows):
    """Those that `knows` recognises, with as few prefixes taken off and as few parts left out as that needs."""
    known = []

    def look(weights, parts):
        one = next((reading for reading in readings(weights) if knows(reading)), None)
        if one:
            known.append(one)
        elif parts:
            *_, bare = readings(weights)
            for group in groups(bare):
                look(group, parts - 1)

    for weights in found:
        look(weights, PARTS)
    return known


def choose(known, key):
    """(Weights, a sentence about what was chosen among others or None)."""
    if key is not None:
        return named(known, key), None
    if len(known) == 1:
        return known[0], None
    averages = [weights for weights in known if weights.is_average]
    raw = [weights for weights in known if not weights.is_average]
    if len(averages) == 1 and len(raw) == 1:
        return averages[0], (f"took {averages[0].title}, the averaged weights; {raw[0].title} has those of the last "
                             f"step (--key {raw[0].label or repr('')})")
    raise DataError(f"it holds {len(known)} networks, {listed([weights.title for weights in known], 9)}: "
                       "say which with --key")


def named(known, key):
    """The one whose keys are, or end with, those of --key."""
    exact = [weights for weights in known if weights.label == key]
    ending = exact or [weights for weights in known if ("." + weights.label).endswith("." + key)]
    if len(ending) == 1:
        return ending[0]
    raise DataError(f"--key: expected {listed([weights.title for weights in known], 9)}, found '{key}'")


def document_of(weights):
    """What is said beside the weights: a dictionary, or JSON of one."""
    given = weights.document
    if given is None:
        return {}
    document = json.loads(given if isinstance(given, str) else json.dumps(given, allow_nan=False))
    if not isinstance(document, dict):
        raise DataError("expected a dictionary or JSON under 'cbamdetect'")
    return document


def listed(names, most=SHOWN):
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def contents(found, nets):
    """What a file without a known network has, in words."""
    if nets:
        return (f"it holds a whole net, of the class {nets[0]}, which is a program: "
                "save net.state_dict(), not the net")
    if not found:
        return "it holds no dictionary of tensors (save net.state_dict(), not the net)"
    most = sorted(found, key=lambda weights: -len(weights.leaves))
    return "its tensors are " + "; ".join(
        (f"{weights.title}: " if weights.keys else "") + listed(list(weights.leaves)) for weights in most[:3])
