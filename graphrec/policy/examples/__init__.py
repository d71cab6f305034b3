"""Three policies to begin with, in the words of a bank, a broker and an insurer: `graphrec policy init --like NAME`."""
