"""Tables: columns, datasets, studies, dates, and the files that they come from and go to."""
