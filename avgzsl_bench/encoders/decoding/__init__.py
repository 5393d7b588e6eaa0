"""From a video file to what encoders are given: chosen frames, scaled and cut, and windows of sound."""
