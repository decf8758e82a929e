"""read_events.py RUN_DIR: TensorBoard's reader finds in a run directory what log.jsonl holds, and nothing else."""
import json
import os
import sys

import numpy
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

LEFT_OUT = {"step", "samples_per_s", "n"}
run = sys.argv[1]


def numbers(row, before):
    for key, value in row.items():
        if isinstance(value, dict):
            yield from numbers(value, f"{before}/{key}")
        elif isinstance(value, (int, float)) and key not in LEFT_OUT:
            yield f"{before}/{key}", float(numpy.float32(value))


wanted = {}
with open(os.path.join(run, "log.jsonl")) as log:
    for line in log:
        row = json.loads(line)
        for tag, value in numbers(row, {"step": "train", "eval": "val"}[row["kind"]]):
            wanted.setdefault(tag, []).append((row["step"], float(row["step"]), value))

events = EventAccumulator(run, size_guidance={"scalars": 0})  # 0: all of them
events.Reload()
found = {tag: [(e.step, e.wall_time, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
assert events.file_version == 2.0, events.file_version
assert {"train/loss", "train/lr", "train/grad_norm", "train/positives/text", "val/uar"} <= set(found), sorted(found)
assert found.keys() == wanted.keys(), (sorted(found), sorted(wanted))
for tag in wanted:
    assert found[tag] == wanted[tag], (tag, found[tag], wanted[tag])
print(f"{sum(map(len, found.values()))} scalars of {len(found)} tags, as in log.jsonl")
