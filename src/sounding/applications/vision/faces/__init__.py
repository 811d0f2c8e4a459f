"""Face verification: whether two pictures show the same person, and who of a gallery a picture shows.

task.py           the application                       modality.py   people, and pictures of them by ones and twos
layouts.py        folders of people and tables          pairs.py      who is compared with whom
error_rates.py    error rates and their intervals       thresholds.py how a model is brought to a false match rate
identification.py  who of the enrolled a picture shows, in a closed set
gallery.py        who is known by name                  verbs.py      enroll, verify, identify, forget
synthetic_faces.py  faces that no person has, for the demo
"""
