"""Configuration: one way to read TOML, to convert it into typed objects and to say what is wrong in it.

`document` reads a file and knows the line of every key, `convert` makes a typed object of it or raises one line,
`schema` writes the JSON schema that editors use, `settings` are the settings of one run.
"""
