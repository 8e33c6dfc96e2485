"""A program that puts 200 secrets into every place of a recording, and 200 harmless names."""

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["HARMLESS", "NAMES", "Placed", "placed"]


def _words(text: str) -> list[str]:
    return text.split()


NAMES = _words("""
password user_password dbPassword PASSWORD passw pswd passphrase credentials client_secret apiKey
api_key X_API_KEY privkey private_key auth_token accessToken token jwt totp mfa pin pat dsn
mnemonic database_url webhook_url session_id cookie authorization otp
""")
"""Names that say that something is secret, as identifiers."""

HARMLESS = _words("""
tokenize tokenizer tokens max_tokens token_count token_type token_index token_id next_token
page_token token_stream token_filter token_pattern TokenFilter RaiseOnErrorTokenFilter TokenParser
prompt_tokens output_tokens untokenized detokenizer key keys key_name primary_key public_key
cache_key sort_key foreign_key key_error keyboard monkey monkey_patch keyword turkey hotkey keyed
keystone index_key spawn PWM pawn author authors authority authenticate authenticated authentic
author_id o_auth session sessions session_count passed passes pass_count first_pass bypass compass
passage passenger passive encompass trespass password_field password_label password_length
password_policy password_min password_max password_validator password_hasher password_form
password_view password_type password_prompt password_error has_password is_password_valid
check_password no_password without_password password_required password_enabled password_expired
password_age secretary secretariat secret_name secret_type secret_path secret_file has_secret
secret_count secret_santa_count cookbook cookie_name cookie_jar cookie_policy cookies_enabled
cookie_path credit credit_limit card card_type credit_score accredited access accessor access_time
access_log private privately api api_url api_version apiary opened pins pinned pinecone spin
spinner pin_count pinging gpio_pin led_pin reset_pin pinhole patch path pattern patterns patient
repattern pats pathology compatible dispatch mfa_enabled mfa_required mfa_type otp_length
otp_enabled optional option totp_ttl dsname dns dns_name design database database_name
database_engine database_host url base_url webhook webhook_name webhooks webhook_handler mnemonics
mnemonic_count hash digest checksum salt nonce iv seed seeds seeded signature signed header
headers header_name username user email login login_time logins phone address name full_name
account account_name bearing bearish forbearance jwtlib ssnake ibanez civic cvs csrf_enabled host
hostname port value values item items data content text result results response request config
settings options state status code codes number count total size length width height color kind
category label title body line lines word words char chars node nodes parent child left right root
leaf depth level score rank weight price amount quantity
""")[:200]
"""Names that look like these, or not at all."""

COMMAND_LINE = ("--password {0}", "--api-key={0}", "AUTH_TOKEN={0}", "--dsn postgres://u:{0}@h/d")
ENVIRONMENT = ("{1}", "APP_{1}", "HOME_URL")

PROGRAM = """\
import getpass, os, sys
class Box: pass
class Key(str): pass
def use(p): return p
"""

PLACES = (
    "{1} = {0!r}\nplain = {1}\nagain = [{1}, (1, {1})]",
    "def f(p, {1}): return p\nf({0!r}, {0!r})",
    "def get_{1}(): return {0!r}\nx = use(get_{1}())",
    "def {1}(): yield {0!r}\nx = [*{1}()]",
    "box = {{'a': 1, {1!r}: {0!r}}}\nx = [*box.values()]",
    "box = {{{1!r}.encode(): {0!r}.encode()}}\nx = [*box.values()][0].decode()",
    "box = {{Key({1!r}): {0!r}}}\nx = [*box.values()]",
    "box = {{(1, {1!r}): {0!r}, (b'x', {1!r}.encode()): 1}}\nx = [*box.values()]",
    "box = {{'zz': {0!r}, {1!r}: {0!r}}}",
    "box = Box()\nbox.plain, box.{1} = {0!r}, {0!r}\nx = box.plain",
    "class Slim: __slots__ = 'other', {1!r}\nbox = Slim()\nbox.other = box.{1} = {0!r}\nx = box",
    "{1} = {0!r}\ntry: raise ValueError('bad ' + {1}, {1})\nexcept ValueError as e: x = str(e)",
    "{1} = {0!r}\nprint('it is', {1}, 'now')",
    "{1} = {0!r}\nsys.stderr.write(f'<{{{1}}}>')\nsys.stdout.buffer.write({1}.encode() + b'.')",
    "{1} = {0!r}\nx = 'in ' + {1} + ' between, ü ' + {1}\ny = x.encode()\nz = bytearray(y)",
    "{1} = {0!r}\nx = 'x' * 495 + {1} + '!'\ny = x.encode()",
    "{1} = [{0!r}, ({0!r},), {{'k': {0!r}}}]\nx = {1}[0]\ny = set({1}[1])",
    "{1} = {0!r}.encode()\nx = {1}.decode()",
    "headers = {{'Proxy-Authorization': 'Bearer {0}'}}\nx = '{0}'",
    "x = 'https://user:{0}@host.test/a'\ny = use({0!r})",
    "x = 'https://host.test/a?b=1&access_token={0}#c'\ny = use({0!r})\nprint(x)",
    "print('GET /a?sig={0}&b=1')",
    "{1} = {0!r}\ndef outer():\n    it = {1}\n    def g(): return it\n    return g()\nouter()",
    "{1} = {0!r}\nx = {{{1}: 1}}\ny = repr({1} + chr(10))",
    "{1} = 'first line of it {0}\\nsecond line of it {0}\\n'\nx = {1}.splitlines()",
)
"""Uses of a secret {0} that has the name {1}; each is in a function of its own."""


class Placed(NamedTuple):
    """The program, and what it is given.

    Attributes:
        program: its text.
        secrets: what is nowhere to be found.
        arguments: of its command line.
        environ: what is in its environment.
        stdin: what it reads: passwords by getpass, then one that it has read so, then some into
            variables of secret names.
    """

    program: str
    secrets: list[str]
    arguments: list[str]
    environ: dict[str, str]
    stdin: str


def placed(count: int) -> Placed:
    """Return the program for so many secrets."""
    names = _names()
    fresh = (f"{chr(97 + at % 26)}q{at:03d}-Zx{at * 7919 % 10007}" for at in range(count))
    secrets: list[str] = []

    def secret() -> str:
        secrets.append(next(fresh))
        return secrets[-1]

    arguments = [word for form in COMMAND_LINE for word in form.format(secret()).split()]
    environ = {form.format("", next(names).upper()): secret() for form in ENVIRONMENT[:2]}
    environ["HOME_URL"] = f"amqp://guest:{secret()}@host/"
    typed = [secret() for _ in range(4)]
    named = [secret() for _ in range(3)]
    parts = [PROGRAM]
    parts += [f"def ask_{at}():\n    x = getpass.getpass()\n    y = '<' + x\n" for at in range(4)]
    parts += [f"ask_{at}()\n" for at in range(4)]
    parts.append("def read():\n    x = input('> ')\n    y = sys.stdin.readline()\nread()\n")
    parts.append(
        "def name():\n    password = input('> ')\n    token = sys.stdin.readline()\n"
        "    for api_key in sys.stdin:\n        break\nname()\n"
    )
    parts.append("def see():\n    x = os.environ\n    y = [*x.values()]\n    z = sys.argv\nsee()\n")
    for at in range(count - len(secrets)):
        body = PLACES[at % len(PLACES)].format(secret(), next(names))
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        parts.append(f"def place_{at}():\n{lines}place_{at}()\n")
    stdin = "".join(f"{text}\n" for text in (*typed, typed[0], f"a {typed[1]} b", *named))
    return Placed("".join(parts), secrets, arguments, environ, stdin)


def _names() -> Iterator[str]:
    while True:
        yield from NAMES
