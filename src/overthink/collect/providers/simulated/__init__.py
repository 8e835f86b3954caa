"""A seeded model with a known truth, for tests, demonstrations and calibration."""
