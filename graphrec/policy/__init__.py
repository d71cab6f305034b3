"""What may be shown to whom: rules over the columns of users and products, evaluated before ranking."""
