"""The command's output is readable on any terminal."""

import ast
import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from libs import terminal
from tests.cli.conftest import Command

NAME = "Bottega 🛍️ Grüße Łódź"
CREATE = ("merchants", "create", NAME, "--country", "it", "--currency", "eur", "--test")
ROOT = Path(__file__).parents[2]


async def run(*arguments: str, encoding: str, env: dict[str, str]) -> tuple[int, str]:
    """Exit code and output of `python -m cli …` on a terminal with this encoding."""
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", *arguments),
        env={**os.environ, **env, "PYTHONIOENCODING": encoding},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await started.communicate()
    return started.returncode, output.decode(encoding)


def run_here(*arguments: str, encoding: str, env: dict[str, str]) -> tuple[int, str]:
    """The same within this process."""
    with CliRunner(charset=encoding).isolation(env=env) as (output, *_):
        terminal.prepare()
        with pytest.raises(SystemExit) as ended:
            app(list(arguments))
        sys.stdout.flush()
        return int(ended.value.code or 0), output.getvalue().decode(encoding)


@pytest.fixture
async def merchant(incasso: Command) -> str:
    return (await incasso.json(*CREATE))["merchant"]["id"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
async def test_output_degrades_to_what_the_terminals_encoding_can_show(incasso, merchant, encoding):
    code, output = await asyncio.to_thread(
        run_here, "merchants", "list", encoding=encoding, env=incasso.env
    )
    assert code == 0, output
    assert "Bottega" in output
    assert merchant in output
    assert ("🛍" in output) == (encoding == "utf-8")


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
async def test_json_output_is_lossless_in_ascii_and_utf_8(incasso, merchant, encoding):
    listed = ("merchants", "list", "--json")
    code, output = await asyncio.to_thread(run_here, *listed, encoding=encoding, env=incasso.env)
    assert code == 0, output
    assert json.loads(output)["data"][0]["name"] == NAME
    assert ("🛍" in output) == (encoding == "utf-8")  # escaped otherwise


async def test_details_and_refusals_are_shown_on_an_ascii_terminal(incasso, merchant):
    async def show(sought):
        return await run("merchants", "show", sought, encoding="ascii", env=incasso.env)

    (code, shown), (refused, error) = await asyncio.gather(show(merchant), show("mer_é🛍"))
    assert (code, refused) == (0, 1)
    assert "Bottega" in shown
    assert merchant in shown
    assert "Error:" in error


@pytest.mark.parametrize(
    "path", ["cli", "stack", "bench", "bench/links.py", "bench/flood.py", "bench/worst_inputs.py"]
)
def test_every_command_prepares_its_terminal(path):
    file = ROOT / path if path.endswith(".py") else ROOT / path / "__main__.py"
    last = ast.parse(file.read_text()).body[-1]
    assert isinstance(last, ast.If)
    assert ast.unparse(last.body[0]) == "terminal.prepare()"
