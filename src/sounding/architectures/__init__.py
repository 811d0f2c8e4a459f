"""Networks that know no task: shapes in, shapes out.

activations.py   activation functions by name, and the gain of initial weights ahead of each
layers.py        the layers that the networks share, and how their weights begin
mlp.py           the multi-layer perceptron
cnn.py           convolutional networks: the ResNet family, and FastNet for small pictures
mobilenet.py     MobileNetV2 and EfficientNet-Lite0, as published weights fit them
pretrained.py    files of published weights, told by their layout and read into these
backbones.py     networks whose maps feed what follows, by name
pyramid.py       maps of several resolutions that know of each other
detector.py      a score for each class and a box at each place of a pyramid
unet.py          outputs for each pixel
margin.py        embeddings, and the softmax that sets them apart by a margin
attention.py     attention, rotary positions, and the cache with which a decoder goes on
transformer.py   Transformers: encoders such as BERT, decoders such as GPT and Llama
rewriter.py      what nets are that read one text and write another; a pointer that copies
encoder_decoder.py  such a net of two Transformers
whisper.py       a Transformer that hears a spectrogram and writes what is said
recurrent_encoder_decoder.py  such a net of recurrent layers and attention
checkpoints/     Transformers as Hugging Face publishes them, read into these and written back
lora.py          low-rank adaptation of a net that was trained before
dropout.py       dropout that takes little time
folding.py       normalisations folded into convolutions, for answers
"""
