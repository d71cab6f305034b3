"""The commands by name: which module holds each, and the line that --help shows for it."""

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("graphrec.cli.demo", "Write the built-in demo bank, or run the whole way on it."),
    "load": ("graphrec.cli.load", "Load the files of a mapping into the store."),
    "snapshot": ("graphrec.cli.snapshot", "Write the graph as of a date as arrays."),
    "embed": ("graphrec.cli.embed", "Turn the texts of a snapshot into vectors."),
    "train": ("graphrec.cli.train", "Fit a model on a snapshot."),
    "tune": ("graphrec.cli.tune", "Search configurations on the validation part, for train."),
    "evaluate": ("graphrec.cli.evaluate", "Measure a model on the hidden part, next to baselines."),
    "recommend": ("graphrec.cli.recommend", "List products for one user, with reasons."),
    "explain": ("graphrec.cli.explain", "Show every part of one score."),
    "why-not": ("graphrec.cli.why_not", "Say why a product is not in the list of a user."),
    "policy": ("graphrec.cli.policy", "Write a first policy, or count what each of its rules does."),
    "find": ("graphrec.cli.find", "Find users and products by id, name or text."),
    "query": ("graphrec.cli.query", "Run an analyst's question or a Cypher statement."),
    "export": ("graphrec.cli.export", "Write the lists of all users to one file."),
    "record": ("graphrec.cli.record", "Read the decision record, and check that nobody changed it."),
    "replay": ("graphrec.cli.replay", "Compute a recorded answer again."),
    "store": ("graphrec.cli.store", "Convert the embedded store to another engine or version."),
    "upgrade": ("graphrec.cli.upgrade", "Convert the home of an older graphrec."),
    "doctor": ("graphrec.cli.doctor", "Check this machine, the home and the store."),
}
