"""Layouts of pictures with boxes, the most telling first: a file that lists things, then files beside each picture."""

from sounding.modalities.boxes.layouts.coco import COCO
from sounding.modalities.boxes.layouts.tools import CVAT, LABEL_STUDIO
from sounding.modalities.boxes.layouts.voc import VOC
from sounding.modalities.boxes.layouts.yolo import DATA_YAML, LABEL_FILES

BOX_LAYOUTS = (COCO, CVAT, LABEL_STUDIO, DATA_YAML, VOC, LABEL_FILES)
