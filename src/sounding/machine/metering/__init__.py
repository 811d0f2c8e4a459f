"""What work costs, and how that is known: seconds, operations, joules, CO2e.

meter.py      a meter for some work        cost.py         what it read, and how costs add up
powercap.py   the processor's counters     flops.py        operations, counted exactly or rejected
watts.py      an estimate without counters processors.py what processors are built for
carbon.py     CO2e of joules, by region
"""
