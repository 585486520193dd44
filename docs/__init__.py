"""What of the documentation is made out of the code."""
