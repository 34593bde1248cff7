"""Events and interventions: which terms a subject has, when, and what is said of them."""
