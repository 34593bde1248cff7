"""The standards as versioned data: variables, codelists, and stand-ins for rare terms."""
