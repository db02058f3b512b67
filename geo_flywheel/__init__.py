"""geo_flywheel: does being cited by AI answers compound?"""

__version__ = "0.1.0"
