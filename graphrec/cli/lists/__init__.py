"""Commands that answer for customers: lists, reasons, refusals, audiences, exports."""
