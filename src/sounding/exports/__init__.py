"""A trained model for programs that do not run PyTorch, and what was measured of it there.

exporting.py      a run into a folder: the network, model.json, what was measured     graphs.py   torch to ONNX
quantisation.py   8 bits, calibrated on training rows                                 parity.py   the same answers?
side_by_side.py   the card's measures of the exported model beside the original's
description.py    model.json: pre- and post-processing, for programs and for people
sessions.py       what computes a network: ONNX Runtime, OpenVINO, torch
runtime.py        an exported model at work: numpy, Pillow, tokenizers and what computes the network, no torch
"""
