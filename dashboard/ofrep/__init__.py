"""The OpenFeature remote evaluation API."""
