"""What every trained model is measured by. Each knows a task and its input only by their contract.

interpretability.py   are explanations of its answers faithful?        explanation.py   faithfulness.py
robustness.py         what do mishaps and attacks leave?               corruption.py    attacks.py
calibration.py        is it right as often as it says?                 confidence.py
data_efficiency.py    what would fewer, or more, labels have given?    curves.py
energy.py             what does it cost?

passes.py             forward passes, which they share
"""
