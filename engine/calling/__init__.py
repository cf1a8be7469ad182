"""The parts of the client: what is asked and answered, tries and deadlines, safe answers waiting to be reported."""
