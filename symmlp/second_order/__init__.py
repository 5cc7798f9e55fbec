"""What lies beyond the gradient: tangents, products with a vector, the Jacobian of the prediction, Hessian blocks."""

from symmlp.second_order.extending import HESSIAN, ORDERS, split_at, with_second_order

__all__ = ["HESSIAN", "ORDERS", "split_at", "with_second_order"]
