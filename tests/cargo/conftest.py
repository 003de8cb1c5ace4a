from tests.cargo.failing import shared_target, without

__all__ = ["shared_target", "without"]
