"""What changes in a bank while nobody looks: inputs, lists, outcomes, age; measured against limits."""
