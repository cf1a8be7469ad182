"""Text models: heads on encoders and whole encoders, for quality, intent and click rate."""
