"""What users of the other engines write around them with OpenCV: a frame of video to the network's input, and the
heads' outputs to boxes.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import cv2
import numpy as np

from .detections import boxes_of, loc_columns, rows_of, scores_of

TOP_K, KEEP = 400, 200  # Caffe's


def as_vector(values, usual):
    return [float(value) for value in values or [usual] * 3]


class Around:
    def __init__(self, document, anchors):
        spec, output, nms = document["input"], document["output"], document.get("nms") or {}
        self.output, self.anchors = output, anchors.astype(np.float32)
        self.params = cv2.dnn.Image2BlobParams(
            scalefactor=as_vector(spec.get("scale"), 1), size=(spec["width"], spec["height"]),
            mean=as_vector(spec.get("mean"), 0), swapRB=spec["channels"] == "rgb")
        self.first = int(output["classes"][0] == "background")
        self.threshold, self.overlap = nms.get("threshold", 0.5), nms.get("iou", 0.45)
        self.scale = np.float32([spec["width"], spec["height"]] * 2)

    def to_input(self, nv12):
        """[1, 3, H, W] of a frame."""
        return cv2.dnn.blobFromImageWithParams(cv2.cvtColor(nv12, cv2.COLOR_YUV2BGR_NV12), self.params)

    def to_boxes(self, heads):
        """[(class, score, x, y, width, height)] in pixels of the input. Only candidates are decoded."""
        n_levels = len(heads) // 2
        loc = rows_of(heads, "loc", n_levels, loc_columns(self.output))
        scores = scores_of(rows_of(heads, "conf", n_levels, len(self.output["classes"])), self.output["score"])
        row, label = np.nonzero(scores[:, self.first:] > self.threshold)
        if len(row) == 0:
            return []
        label += self.first
        score = scores[row, label]
        corners = boxes_of(loc[row], self.anchors[row], self.output) * self.scale
        boxes = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
        kept = cv2.dnn.NMSBoxesBatched(boxes.tolist(), score.tolist(), label.tolist(), self.threshold, self.overlap,
                                       top_k=TOP_K)
        found = [(int(label[i]), float(score[i]), *map(float, boxes[i])) for i in kept]
        return sorted(found, key=lambda one: -one[1])[:KEEP]
