"""Every SQL statement of the sandbox, one function each, on the connection it is given."""
