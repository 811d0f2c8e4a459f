"""Boxes around things in pictures: reading every layout of them, encoding, drawing.

boxes.py   the modality            layouts/   COCO, VOC, YOLO, table cells
mosaic.py  pictures pieced together drawing.py boxes on a picture
"""
