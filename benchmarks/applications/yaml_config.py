"""PyYAML: a configuration, read and written by the parser and the emitter in Python."""

import sys

import yaml

CONFIG = """
# Configuration {n}
service: &service
  name: "service {n}"
  ports: [80, 443, 0x1F]
  started: 2026-01-02 03:04:05
  ratio: 1.5e3
  enabled: yes
  text: |
    several
      lines
  folded: >-
    one long
    line
parts:
{parts}
other: {{<<: *service, name: other, empty: ~}}
"""

PART = """  - id: {n}
    tags: [a, 'b c', "d\\te"]
    <<: *service
    nested: {{deep: {{n: {n}}}}}"""


def main(files: int) -> None:
    length = 0
    for number in range(files):
        text = CONFIG.format(n=number, parts="\n".join(PART.format(n=n) for n in range(5)))
        data = yaml.load(text, Loader=yaml.SafeLoader)
        length += len(yaml.dump(data, Dumper=yaml.SafeDumper)) + len(data["parts"])
    print("yaml", files, length)


if __name__ == "__main__":
    main(int(sys.argv[1]))
