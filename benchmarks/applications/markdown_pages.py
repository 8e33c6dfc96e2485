"""markdown-it-py: pages of Markdown to HTML, with tables, lists, links and code."""

import sys

from markdown_it import MarkdownIt

PAGE = """# Page {n} of *many* pages

Some **strong** words, `code`, a [link](http://localhost/{n} "title") and <b>HTML</b>.
Second line\\
with a break and an ![image](a.png).

| part | pieces |
|:-----|-------:|
| one  | {n}    |
| two  | ~~3~~  |

1. first
   - nested *item*
     continued
   - > quoted in a list
2. second

```python
def f(x):
    return x + {n}
```

> A quotation [with a reference][ref], \\*escaped\\* and &amp; entity
> - - -

[ref]: http://localhost/ref
"""


def main(pages: int) -> None:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    length = 0
    for number in range(pages):
        length += len(parser.render(PAGE.format(n=number)))
        length += len(parser.parse(PAGE.format(n=number)))
    print("markdown", pages, length)


if __name__ == "__main__":
    main(int(sys.argv[1]))
