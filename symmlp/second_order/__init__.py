"""What lies beyond the gradient: tangents, Hessian-vector and Gauss-Newton products, the Jacobian of the prediction."""

from symmlp.second_order.extending import ORDERS, with_second_order

__all__ = ["ORDERS", "with_second_order"]
