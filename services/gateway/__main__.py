"""`python -m services.gateway`: serves until SIGTERM or Ctrl-C, then finishes calls in progress."""

from libs.identity import GATEWAY
from libs.web import serving
from services.gateway import app
from services.gateway.config import Config

if __name__ == "__main__":
    serving.main(GATEWAY, Config, app.runner)
