"""`python -m services.console`: serves until SIGTERM or Ctrl-C, then finishes requests in progress."""

from libs.identity import CONSOLE
from libs.web import serving
from services.console import app
from services.console.config import Config

if __name__ == "__main__":
    serving.main(CONSOLE, Config, app.runner)
