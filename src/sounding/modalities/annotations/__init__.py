"""What annotation files say about pictures, read once for boxes and masks.

things.py    a labelled picture and the things in it      cvat.py          CVAT's xml for images
outlines.py  polygons and run lengths as pixels           label_studio.py  Label Studio's json
finding.py   the files of a folder, and their pictures
"""
