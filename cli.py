"""The command line from a checkout: `python cli.py …` is `graphrec …`."""

from graphrec.cli import app

if __name__ == "__main__":
    app()
