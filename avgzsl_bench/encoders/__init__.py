"""From videos to features: decoding, encoders, class texts, extraction."""
