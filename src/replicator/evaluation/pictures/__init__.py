"""What a report draws, as plain numbers: source and sample laid over each other, never a subject of the source.

``shapes`` has the types, ``bins`` the one rule that protects: whatever is shown of the source stands on at least five of its
subjects. Each further module makes one kind of picture; ``pictures`` puts them together. How they look is the reports' matter.
"""
