"""The page: what people look at in a browser. The same use cases, roles and views as the API."""
