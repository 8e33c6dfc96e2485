"""A shop: two customers buy, one of them with a voucher."""

from decimal import Decimal

from customers import Customer, group_of
from orders import Order
from vouchers import Voucher


def main():
    ada = Customer("Ada", group_of("regular"))
    bob = Customer("Bob", group_of("regular"))
    first = Order(ada, [Decimal("20.00"), Decimal("4.50")])
    Voucher("SUMMER", percent=20).redeem(first)
    second = Order(bob, [Decimal("100.00")])
    for order in (first, second):
        print(f"{order.customer.name} pays {order.total():.2f}")


if __name__ == "__main__":
    main()
