"""schemathesis without two costs that find nothing; arguments as of its own command."""

import gc
import re

from schemathesis.cli import schemathesis
from schemathesis.specs.openapi import converter

LARGE = re.compile(r",\d{6,}}")
compiles = converter.is_valid_jsonschema_rs_regex

# It tries the limit of a text's length as a quantifier: its engine takes a second for each large one, to refuse it.
converter.is_valid_jsonschema_rs_regex = lambda pattern: (
    not LARGE.search(pattern) and compiles(pattern)
)
# Nearly all that it makes stays to its end; the collector would go through it four thousand times.
gc.disable()
schemathesis()
