"""One report of a home: what every measurement says, on one page, beside the last one."""
