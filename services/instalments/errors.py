"""Every way in which instalments says no: so far InvalidArgument alone."""
