"""Where the standard meets the models: the spine, the parts, the artifact, the cache."""
