"""The account: every attempt is a row, and every figure is a sum of rows."""
