"""From a relay's log to files a browser plays: sealed files, the log's records, clocks, frames, remuxing. No models."""
