"""Orders, and what they cost."""

from decimal import Decimal


class Order:
    def __init__(self, customer, prices):
        self.customer = customer
        self.prices = prices
        self.discount = customer.group

    def total(self):
        whole = sum(self.prices, Decimal(0))
        return whole * (100 - self.discount.percent) / 100
