"""Jinja2: templates that are compiled, inherit and have macros, loops and filters."""

import sys

from jinja2 import DictLoader, Environment

TEMPLATES = {
    "base.html": """<title>{% block title %}{% endblock %}</title>
{% macro cell(value, kind='td') %}<{{ kind }}>{{ value }}</{{ kind }}>{% endmacro %}
{% block body %}{% endblock %}<footer>{{ footer | default('no footer') }}</footer>""",
    "report.html": """{% extends 'base.html' %}{% from 'macros.html' import row %}
{% block title %}{{ name | title }}: {{ items | length }}{% endblock %}
{% block body %}<table>{% for item in items if item.pieces > 1 %}
{{ row(loop.index, item) }}{% if loop.last %}<tr>{{ total }}</tr>{% endif %}
{% else %}nothing{% endfor %}</table>{% set wide = items | map(attribute='name') | list %}
{% for group in items | groupby('kind') %}{{ group.grouper }}: {{ group.list | length }}
{% endfor %}{{ wide | join(', ') | truncate(80) | upper }}{% endblock %}""",
    "macros.html": """{% macro row(number, item) %}<tr class="{{ loop_class(number) }}">
<td>{{ number }}</td><td>{{ item.name | e }}</td><td>{{ '%.2f' | format(item.price) }}</td>
</tr>{% endmacro %}{% macro loop_class(n) %}{{ 'odd' if n % 2 else 'even' }}{% endmacro %}""",
}


class Item:
    def __init__(self, number: int) -> None:
        self.name = f"<part {number}>"
        self.kind = "abc"[number % 3]
        self.pieces = number % 7
        self.price = number * 1.25


def main(reports: int) -> None:
    items = [Item(number) for number in range(60)]
    length = 0
    for number in range(reports):
        # Compiled again each time, as after a change of the templates.
        environment = Environment(loader=DictLoader(TEMPLATES), autoescape=True)
        template = environment.get_template("report.html")
        for total in range(6):
            length += len(template.render(name=f"week {number}", items=items, total=total))
    print("jinja2", reports, length)


if __name__ == "__main__":
    main(int(sys.argv[1]))
