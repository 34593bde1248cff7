"""Who the subjects are: demography, the classes they are drawn in, and the joint model of all that is known of each."""
