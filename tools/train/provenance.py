"""What a model file says of where it comes from: its licence, and how well it finds objects, or names them, on which
pictures.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json

UNKNOWN = "unknown: name it with --licence"
# As cbam-eval --json has them, 0 to 1: a detector's, and a classifier's.
SHARES = ("map_11point", "map_area", "map_50_95", "top1", "top5")


def licence_of(documents):
    """What weights made of these models' are under: their licences, each once."""
    given = [(document.get("provenance") or {}).get("license") for document in documents]
    known = [licence for licence in given if isinstance(licence, str) and not licence.startswith("unknown")]
    return "; ".join(dict.fromkeys(known)) if known and len(known) == len(given) else UNKNOWN


def read_metrics(path, on=None):
    """The figures of a file that cbam-eval --json printed; `on` says on which pictures (default: the split's name)."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            result = json.load(file)
        shares = {key: result[key] for key in SHARES if result.get(key) is not None}
        pictures = result["pictures"]
        if not shares or not all(0 <= share <= 1 for share in shares.values()) or not pictures > 0:
            raise ValueError("no average precision or accuracy on any pictures")
        if result.get("nms_across", 1) < 1:
            raise ValueError("one of --nms-across, which is no figure to compare")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"'{path}': expected what cbam-eval --json prints, found {error}") from error
    return {"set": on or result.get("split") or "unknown", "pictures": pictures,
            **{key: round(share, 4) for key, share in shares.items()}}
