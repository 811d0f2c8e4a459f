"""What annotation files say about pictures, the same for boxes and masks.

outlines.py   polygons and run lengths as pixels
"""
