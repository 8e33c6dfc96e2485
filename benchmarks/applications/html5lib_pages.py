"""html5lib: pages of HTML, with mistakes in their tags, to trees and back."""

import sys

import html5lib

PAGE = """<!DOCTYPE html><html><head><title>Stock &amp; orders</title>
<style>td {{ padding: 2px }}</style><body class=page><h1>Orders of <b>week {week}</h1>
<p>Sold &lt;here&gt;: <a href="/orders?week={week}&amp;all">all<p>No end of this one
<table><tr><th>part<th>pieces{rows}</table><form action="/order"><select name=part>
<option value=1 selected>one<option value=2>two</select><input disabled></form>
<script>if (a < b && c) {{ document.write("<p>") }}</script></body></html>"""

ROW = "<tr><td class='part'>part {number}<td>{number}<br><!-- row {number} --><i><b>{name}</i></b>"


def main(pages: int) -> None:
    length = 0
    for week in range(pages):
        rows = "".join(ROW.format(number=number, name=f"name{week}") for number in range(12))
        tree = html5lib.parse(PAGE.format(week=week, rows=rows))
        length += len(html5lib.serialize(tree, quote_attr_values="always"))
    print("html5lib", pages, length)


if __name__ == "__main__":
    main(int(sys.argv[1]))
