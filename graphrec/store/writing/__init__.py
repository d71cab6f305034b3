"""What is written into a store: loads, differences, persons taken out."""
