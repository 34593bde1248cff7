"""How good a sample is: its distance from real subjects against the distance of real subjects from each other.

``measures`` has the types, ``stack`` puts the studies together, ``splits`` draws who is compared with whom, ``distances`` compares.
Each further module measures one thing. Nothing here knows how a sample was made.
"""
