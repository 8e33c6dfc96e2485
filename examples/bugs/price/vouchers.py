"""Vouchers: some percent less for one order."""


class Voucher:
    def __init__(self, code, percent):
        self.code = code
        self.percent = percent

    def redeem(self, order):
        discount = order.discount
        discount.percent += self.percent
