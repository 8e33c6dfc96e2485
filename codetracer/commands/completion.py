"""``codetracer completion``: prints a script that lets a shell complete the command line.

The scripts are made from the parsers, so they offer exactly the options that exist.
"""

from __future__ import annotations

import argparse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["EXAMPLES", "SUMMARY", "add_options", "run"]

SUMMARY = "print a completion script for bash, zsh or fish"

EXAMPLES = """\
examples:
  codetracer completion bash > ~/.local/share/bash-completion/completions/codetracer
  codetracer completion zsh > ~/.zfunc/_codetracer      # a folder of your $fpath
  codetracer completion fish > ~/.config/fish/completions/codetracer.fish
  eval "$(codetracer completion bash)"                  # for this shell only
"""

FILE_METAVARS = frozenset(("FILE", "PATH", "SCRIPT"))
FOLDERS = frozenset(("DIR", "OUT"))
"""The names in the help for values that are files and folders, which a shell can complete."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options of ``completion``."""
    parser.add_argument("shell", metavar="SHELL", choices=tuple(_SCRIPTS), help="bash, zsh or fish")


def run(options: argparse.Namespace) -> int:
    """Print the script; return the exit code."""
    from codetracer.commands.parsers import all_parsers

    top, runs_programs = all_parsers()
    commands = [
        _Command(name, parser, is_program=name in runs_programs)
        for name, parser in _subparsers(top).items()
    ]
    # Line by line, because `codetracer.terminal` escapes line ends inside a printed text.
    for line in _SCRIPTS[options.shell](commands).splitlines():
        print(line)
    return 0


class _Option:
    """An option of a command.

    Attributes:
        names: its names, in the order of the parser.
        takes: the kind of its value: ``none`` (a flag), ``file``, ``folder``, ``text``, ``words``
            or ``list`` (words separated by commas).
        words: the words that can be its value, for ``words`` and ``list``.
        help: its description, in one line.
        ends_options: whether the program's arguments follow this option and its value.
    """

    def __init__(self, action: argparse.Action, *, ends_options: bool) -> None:
        self.names = tuple(action.option_strings)
        self.words = tuple(map(str, action.choices or ()))
        self.help = _help(action)
        self.ends_options = ends_options
        if action.nargs == 0:
            self.takes = "none"
        elif self.words:
            self.takes = "words"
        elif action.metavar in FILE_METAVARS:
            self.takes = "file"
        elif action.metavar in FOLDERS:
            self.takes = "folder"
        elif action.metavar == "LIST":
            from codetracer.monitoring import monitoring_events
            from codetracer.watch.select import available_events

            self.takes = "list"
            self.words = (*available_events(monitoring_events()), "all")
        else:
            self.takes = "text"


class _Command:
    """A command of codetracer.

    Attributes:
        name: its name on the command line.
        help: its description.
        options: its options.
        is_program: whether a program to run follows its options.
        words: the words that its positional argument can be; empty if it is a folder or a program.
    """

    def __init__(self, name: str, parser: argparse.ArgumentParser, *, is_program: bool) -> None:
        self.name = name
        self.help = (parser.description or "").partition(":")[0].rstrip(".")
        self.is_program = is_program
        program = {id(action) for action in _program_actions(parser)} if is_program else set()
        self.options = [
            _Option(action, ends_options=id(action) in program)
            for action in parser._actions
            if action.option_strings
        ]
        self.words = tuple(
            str(word)
            for action in parser._actions
            if not action.option_strings
            for word in action.choices or ()
        )

    @property
    def last_options(self) -> list[str]:
        """The names of the options after which everything belongs to the program."""
        return [name for option in self.options if option.ends_options for name in option.names]


def _subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _program_actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [
        action
        for group in parser._action_groups
        if group.title == "program"
        for action in group._group_actions
    ]


def _help(action: argparse.Action) -> str:
    """Return the first part of an option's help, because a shell shows one line."""
    text = " ".join((action.help or "").split())
    for mark in (" (default", "; ", ". "):
        text = text.partition(mark)[0]
    return text.replace("%%", "%")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


# ---- bash

_BASH = r"""# bash completion of codetracer, made by `codetracer completion bash`.

_codetracer_options() {
    case $1 in
@options@
    esac
}

_codetracer_takes() {
    case $1:$2 in
@takes@
        *) echo none ;;
    esac
}

_codetracer() {
    local IFS=$' \t\n' command=${COMP_WORDS[1]} current=${COMP_WORDS[COMP_CWORD]}
    local before=${COMP_WORDS[COMP_CWORD-1]} word takes at
    COMPREPLY=()
    # bash splits --option=value into three words.
    if [[ $current == '=' ]]; then
        current=
    elif [[ $before == '=' ]]; then
        before=${COMP_WORDS[COMP_CWORD-2]}
    fi
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W '@commands@ --help --version' -- "$current"))
        return
    fi
    case $command in
    @programs@)
        for ((at = 2; at < COMP_CWORD; at++)); do
            word=${COMP_WORDS[at]}
            case $word in
            @last@ | [!-]* | - | --)
                compopt -o default
                return
                ;;
            esac
            if [[ $(_codetracer_takes "$command" "$word") != none ]]; then
                ((at++))
                [[ ${COMP_WORDS[at]} == '=' ]] && ((at++))
            fi
        done
        ;;
    esac
    takes=$(_codetracer_takes "$command" "$before")
    case $takes in
    none)
        if [[ $current == -* ]]; then
            COMPREPLY=($(compgen -W "$(_codetracer_options "$command")" -- "$current"))
            return
        fi
        case $command in
        @programs@) takes=file ;;
@words@
        *) takes=folder ;;
        esac
        ;;
    esac
    case $takes in
    text) ;;
    file)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        ;;
    folder)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
        ;;
    list\ *)
        word=
        [[ $current == *,* ]] && word=${current%,*},
        COMPREPLY=($(compgen -P "$word" -W "${takes#list }" -- "${current##*,}"))
        compopt -o nospace
        ;;
    *) COMPREPLY=($(compgen -W "$takes" -- "$current")) ;;
    esac
}

complete -F _codetracer codetracer
"""


def _bash(commands: list[_Command]) -> str:
    options, takes, words = [], [], []
    for command in commands:
        names = " ".join(name for option in command.options for name in option.names)
        options.append(f"        {command.name}) echo {_quoted(names)} ;;")
        for option in command.options:
            if option.takes != "none":
                keys = " | ".join(f"{command.name}:{name}" for name in option.names)
                takes.append(f"        {keys}) echo {_quoted(_bash_value(option))} ;;")
        if command.words:
            words.append(f"        {command.name}) takes={_quoted(' '.join(command.words))} ;;")
    return _filled(
        _BASH,
        options="\n".join(options),
        takes="\n".join(takes),
        words="\n".join(words),
        commands=" ".join(command.name for command in commands),
        programs=" | ".join(command.name for command in commands if command.is_program),
        last=" | ".join(_unique(name for command in commands for name in command.last_options)),
    )


def _bash_value(option: _Option) -> str:
    if option.takes == "words":
        return " ".join(option.words)
    if option.takes == "list":
        return f"list {' '.join(option.words)}"
    return option.takes


# ---- zsh

_ZSH = r"""#compdef codetracer
# zsh completion of codetracer, made by `codetracer completion zsh`.

_codetracer() {
    local curcontext=$curcontext state line
    typeset -A opt_args
    local -a commands=(
@commands@
    )
    _arguments -C -A '-*' '(- *)'{-h,--help}'[show the help]' \
        '(- *)--version[show the version]' '1:command:->command' '*:: :->rest'
    case $state in
    command) _describe command commands ;;
    rest)
        case $line[1] in
@cases@
        esac
        ;;
    esac
}

if [[ $funcstack[1] == _codetracer ]]; then
    _codetracer "$@"
else
    compdef _codetracer codetracer
fi
"""


def _zsh(commands: list[_Command]) -> str:
    cases = []
    for command in commands:
        rows = [row for option in command.options for row in _zsh_option(option)]
        if command.is_program:
            rows += ["'1:program:_files'", "'*::argument:_files'"]
        elif command.words:
            rows.append(_quoted(f"1:word:({' '.join(command.words)})"))
        else:
            rows.append("'1:recording:_files -/'")
        stop = " -A '-*'" if command.is_program else ""
        lines = " \\\n                ".join([f"_arguments -S{stop}", *rows])
        cases.append(f"        {command.name})\n            {lines}\n            ;;")
    names = [_quoted(f"{command.name}:{command.help}") for command in commands]
    return _filled(
        _ZSH,
        commands="\n".join(f"        {name}" for name in names),
        cases="\n".join(cases),
    )


def _zsh_option(option: _Option) -> Iterator[str]:
    text = option.help
    for mark in "\\[]":
        text = text.replace(mark, f"\\{mark}")
    words = " ".join(option.words)
    value = {
        "none": "",
        "file": ":file:_files",
        "folder": ":folder:_files -/",
        "text": ":value: ",
        "words": f":value:({words})",
        "list": f":list:_values -s , event {words}",
    }[option.takes]
    # The option that ends the options excludes the others, and the program.
    exclusive = "(- 1)" if option.ends_options else "*"
    for name in option.names:
        joined = "=" if name.startswith("--") and value else ""
        yield _quoted(f"{exclusive}{name}{joined}[{text}]{value}")


# ---- fish

_FISH = r"""# fish completion of codetracer, made by `codetracer completion fish`.

# Succeeds if the cursor is among a command's options, not in the program that follows them.
function __codetracer_in
    set -l words (commandline -opc)
    test (count $words) -gt 1; and test "$words[2]" = $argv[1]; or return 1
    set -l takes_value no
    for word in $words[3..-1]
        if test $takes_value = yes
            set takes_value no
            continue
        end
        switch $argv[1]:$word
@last@
            case '*:--' '*:-'
                return 1
@takes@
                set takes_value yes
            case '*:-*'
            case @programs@
                return 1
        end
    end
    return 0
end

function __codetracer_list
    set -l before (string match -r '.*,' -- (commandline -ct | string replace -r '^--[^=]*=' ''))
    # Without a comma $before is an empty list, which would make the product empty.
    set -q before[1]; or set before ''
    printf '%s\n' $before$argv
end

complete -c codetracer -n __fish_is_first_token -f -a '--help --version'
@complete@
"""


def _fish(commands: list[_Command]) -> str:
    complete, takes, last = [], [], []
    for command in commands:
        complete.append(
            f"complete -c codetracer -n __fish_is_first_token -f -a {command.name}"
            f" -d {_fish_quoted(command.help)}"
        )
        here = _fish_quoted(f"__codetracer_in {command.name}")
        for option in command.options:
            names = " ".join(_fish_name(name) for name in option.names)
            complete.append(
                f"complete -c codetracer -n {here} {names}{_fish_value(option)}"
                f" -d {_fish_quoted(option.help)}"
            )
            keys = [_fish_quoted(f"{command.name}:{name}") for name in option.names]
            if option.ends_options:
                last += keys
            elif option.takes != "none":
                takes += keys
        if command.words:
            words = _fish_quoted(" ".join(command.words))
            complete.append(f"complete -c codetracer -n {here} -f -a {words}")
        elif not command.is_program:
            complete.append(
                f"complete -c codetracer -n {here} -f -a '(__fish_complete_directories)'"
            )
    programs = " ".join(
        _fish_quoted(f"{command.name}:*") for command in commands if command.is_program
    )
    return _filled(
        _FISH,
        complete="\n".join(complete),
        takes=f"            case {' '.join(takes)}",
        last=f"            case {' '.join(last)}\n                return 1",
        programs=programs,
    )


def _fish_name(name: str) -> str:
    return f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"


def _fish_value(option: _Option) -> str:
    words = " ".join(option.words)
    return {
        "none": "",
        "file": " -r -F",
        "folder": " -x -a '(__fish_complete_directories)'",
        "text": " -x",
        "words": f" -x -a {_fish_quoted(words)}",
        "list": f" -x -a {_fish_quoted(f'(__codetracer_list {words})')}",
    }[option.takes]


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


# ---- shared by all shells


def _filled(template: str, **parts: str) -> str:
    for name, text in parts.items():
        template = template.replace(f"@{name}@", text)
    return template


def _unique(names: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(names))


_SCRIPTS: dict[str, Callable[[list[_Command]], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
