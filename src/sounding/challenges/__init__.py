"""What every trained model is measured by. Each knows a task and its input only by their contract.

A file here holds one Challenge (evaluation/challenge.py) and measures one section of the card; the card walks this
folder, so a new section is a new file. The rooms hold what they are made of, and the tools that improve the numbers.

use.py                what is it for, and on what was it measured?
data.py               how many rows of what, and what makes the test too easy?
quality.py            how good is it, beside a model that looks at nothing?
seeds.py              how much would another seed change?
data_efficiency.py    what would fewer, or more, labels have given?        labels/
interpretability.py   are explanations of its answers faithful?            explanations/
concepts.py           do its layers tell what people see?                  explanations/
robustness.py         what do mishaps and attacks leave?                   disturbances/
certificate.py        what is certain, whatever the attack?
shift.py              what is left on data from elsewhere?
memorisation.py       does it write what it has learnt by heart?
calibration.py        is it right as often as it says?                     confidences/
prediction_sets.py    can it name a set that holds the truth, or abstain?
unknown_inputs.py     does it tell what it has never seen?
energy.py             what does it cost?                                   costs/
trade_offs.py         what do fewer bits save, and what do they cost?

contests/ holds what games for two add to robustness, shift and energy.
passes.py forward passes, and features.py what a network sees before it decides, are shared by all.
"""
