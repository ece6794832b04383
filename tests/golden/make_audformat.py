#!/usr/bin/env python3
"""The databases under audformat/, written by audformat 1.4 itself: make_audformat.py FOLDER."""
import os
import sys

import audformat
import pandas as pd

folder = sys.argv[1]

# Whole files; parts are tables of their own with a split; speakers are a misc table.
db = audformat.Database("small", languages=["de"])
db.splits["train"] = audformat.Split(type="train")
db.splits["dev"] = audformat.Split(type="dev")
db.splits["test"] = audformat.Split(type="test")
db.schemes["emotion"] = audformat.Scheme(labels=["anger", "neutral", "happiness"])
db["speaker"] = audformat.MiscTable(pd.Index([3, 8], name="speaker", dtype="Int64"))
db["speaker"]["gender"] = audformat.Column()
db["speaker"]["gender"].set(["male", "female"])
db.schemes["speaker"] = audformat.Scheme(labels="speaker", dtype="int")
db.schemes["transcription"] = audformat.Scheme("str")
files = [f"wav/{n:02}.wav" for n in range(6)]
db["files"] = audformat.Table(audformat.filewise_index(files))
db["files"]["speaker"] = audformat.Column(scheme_id="speaker")
db["files"]["speaker"].set([3, 3, 8, 8, 3, 8])
db["files"]["transcription"] = audformat.Column(scheme_id="transcription")
db["files"]["transcription"].set(["eins, zwei", "b", "c", "d", "e", "f"])
for split, some, labels in (("train", files[:3], ["anger", "neutral", "happiness"]), ("dev", files[3:4], ["anger"]),
                            ("test", files[4:], ["neutral", "anger"])):
    table = db[f"emotion.categories.{split}.gold_standard"] = audformat.Table(
        audformat.filewise_index(some), split_id=split)
    table["emotion"] = audformat.Column(scheme_id="emotion")
    table["emotion"].set(labels)
db.save(os.path.join(folder, "small"), storage_format="csv")

# Segments; the speakers' facts in the scheme; numbers beside labels.
db = audformat.Database("segments", languages=["en"])
db.schemes["emotion"] = audformat.Scheme(labels=["angry", "calm"])
db.schemes["arousal"] = audformat.Scheme("float")
db.schemes["speaker"] = audformat.Scheme(labels={"ann": {"gender": "female"}, "bob": {"gender": "male"}})
table = db["segments"] = audformat.Table(audformat.segmented_index(
    ["a.wav", "a.wav", "b.wav"], ["0s", "1.5s", "0s"], ["1.25s", "2.5s", pd.NaT]))
table["emotion"] = audformat.Column(scheme_id="emotion")
table["emotion"].set(["angry", "calm", "calm"])
table["arousal"] = audformat.Column(scheme_id="arousal")
table["arousal"].set([0.9, 0.1, 0.25])
table["speaker"] = audformat.Column(scheme_id="speaker")
table["speaker"].set(["ann", "ann", "bob"])
db.save(os.path.join(folder, "segments"), storage_format="csv")
