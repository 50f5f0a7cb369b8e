"""Built-in alerts: what needs an operator."""
