"""The providers' formats, both ways, without I/O: one module a format, the same names in each."""
