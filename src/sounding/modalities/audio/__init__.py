"""Sound: how recordings are opened, brought to one rate, seen as spectrograms, explained, disturbed and drawn.

audio.py         the modality
audio_files.py   WAV, FLAC, OGG, MP3 and arrays → samples
resampling.py    from one sample rate to another
features.py      the log-mel spectrogram, as a layer
whisper_features.py  that of Whisper's weights; spoken_tokens.py, whisper_transcript.py: what these write
masking.py       frames and bands that give way to silence or noise
corruptions.py   noise, reverberation, clipping, tempo, a narrow band
augmentation.py  what varies a training batch: waveforms, spectrograms
voice.py         where somebody speaks
layouts.py       LibriSpeech, Common Voice, clips with a text each
transcript.py    what was said
subtitles.py     the same as .srt and .vtt
drawing.py       spectrograms
playing.py       small files that a browser plays
"""
