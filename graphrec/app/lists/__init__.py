"""Answers for customers: one list, one reason, the audience of a product, an export of all."""
