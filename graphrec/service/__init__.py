"""The service: the answers of `graphrec.app` over HTTP. `graphrec serve` starts it; needs the extra `[service]`."""
