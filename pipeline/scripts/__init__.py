"""Programs that run elsewhere: in a target, by the Python that it borrows; sent there as text."""
