"""A Flower app that carries the files of `graphrec federate` between banks.

server.py    joins, plans, adds: where the SuperLink is
client.py    joins, sends, finishes: at each bank
command.py   calls graphrec, and what both sides call the files
"""
