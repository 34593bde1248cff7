"""The model file: plain data and arrays in a container, the classes that it may hold, and what is checked when it is read."""
