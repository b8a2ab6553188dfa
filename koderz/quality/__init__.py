"""How good the small models' answers are: kept ones measured, thresholds chosen, drift noticed."""
