"""The results that the study was run for, from source and sample side by side: changes, incidences, times to leaving, shifts."""
