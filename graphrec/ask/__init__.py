"""Questions in people's own words, answered from records: parser, answers, wording."""
