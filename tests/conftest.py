"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# How long a machine takes says nothing of the code: no test has a deadline of milliseconds.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")
