"""Seeded worlds whose truth is stated, against which the estimators are checked."""
