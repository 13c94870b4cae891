"""schemathesis without two useless costs; takes the arguments of its own command."""

import gc
import re

from schemathesis.cli import schemathesis
from schemathesis.specs.openapi import converter

LARGE = re.compile(r",\d{6,}}")
compiles = converter.is_valid_jsonschema_rs_regex

# It tries a text's maximum length as a regex quantifier; its engine takes a second to refuse each large one.
converter.is_valid_jsonschema_rs_regex = lambda pattern: (
    not LARGE.search(pattern) and compiles(pattern)
)
# Nearly everything it allocates lives until it exits; the collector would scan it four thousand times.
gc.disable()
schemathesis()
