"""The encoders that the harness brings: CLIP, LAION's CLAP and the CLAP of WavCaps."""
