"""Pages for one person: draw a form's template, review what was read."""
