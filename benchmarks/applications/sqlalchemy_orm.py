"""SQLAlchemy: an ORM on SQLite in memory, with relations, queries and changes."""

import sys

from sqlalchemy import ForeignKey, create_engine, func, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    relationship,
    selectinload,
)


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customer"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    orders: Mapped[list["Order"]] = relationship(back_populates="customer", cascade="all")


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    pieces: Mapped[int]
    note: Mapped[str | None]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    customer: Mapped[Customer] = relationship(back_populates="orders")


def main(rounds: int) -> None:
    engine = create_engine("sqlite://")
    found = 0
    if rounds:
        Base.metadata.create_all(engine)
    for number in range(rounds):
        with Session(engine) as session:
            for each in range(5):
                customer = Customer(name=f"customer {number} {each}")
                customer.orders = [Order(pieces=n, note=None) for n in range(4)]
                session.add(customer)
            session.commit()
            few = select(Customer).options(selectinload(Customer.orders)).limit(10)
            for customer in session.scalars(few.order_by(Customer.id.desc())):
                for order in customer.orders:
                    order.note = f"{customer.name}: {order.pieces}"
                found += len(customer.orders)
            session.flush()
            totals = (
                select(Customer.name, func.sum(Order.pieces).label("pieces"))
                .join(Order.customer)
                .group_by(Customer.name)
                .having(func.count() > 1)
                .limit(5)
            )
            found += sum(row.pieces for row in session.execute(totals))
            session.delete(session.get_one(Customer, 5 * number + 1))
            session.commit()
    print("sqlalchemy", rounds, found)


if __name__ == "__main__":
    main(int(sys.argv[1]))
