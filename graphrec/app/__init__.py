"""The use cases: what can be asked of a bank's home, as typed requests with typed answers.

`Bank` (bank.py) holds the settings, the home and the opened models; each of its methods answers one request: of
requests.py for one customer, of jobs.py for everything else. Nothing here prints or parses: the command line does that,
and so may a notebook or a service. `import graphrec` offers the same names.
"""
