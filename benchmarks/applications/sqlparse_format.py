"""sqlparse: statements of SQL, formatted."""

import sys

import sqlparse

SQL = """select c.id, c.name as customer, sum(o.pieces * p.price) total, case when o.paid = 1
then 'paid' when o.sent is null then 'open' else 'sent' end from customers c left join orders o
on o.customer_id = c.id and o.year between {n} and {n} + 1 inner join (select id, price from parts
where kind in ('a', 'b', "c") -- parts
) p on p.id = o.part_id where c.name like 'A%' and not exists (select 1 from blocked b where b.id
= c.id) group by c.id, c.name having count(*) > {n} order by total desc, c.name limit 10;
insert into log (at, what) values (now(), 'query {n}'), (now(), 'it''s'); update parts set price =
price * 1.1 /* all */ where id = {n}; create table t{n} (id integer primary key, name varchar(20));
"""


def main(texts: int) -> None:
    length = 0
    for number in range(texts):
        text = SQL.format(n=number)
        length += len(sqlparse.format(text, reindent=True, keyword_case="upper"))
        length += len(sqlparse.format(text, strip_comments=True, identifier_case="upper"))
    print("sqlparse", texts, length)


if __name__ == "__main__":
    main(int(sys.argv[1]))
