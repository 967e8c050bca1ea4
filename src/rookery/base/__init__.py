"""The ground floor: errors, configuration, time, identity, redaction, logging. It knows no networks."""
