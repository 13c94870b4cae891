"""The embedded stack: everything that Incasso needs, started on one machine from wheels."""
