"""The words of the `cairn` command and what they mean."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from cairn.deploy import cloud as clouds
from cairn.deploy import topology
from cairn.deploy.cloud import Cloud
from cairn.deploy.errors import CommandError
from cairn.deploy.progress import Display

F = TypeVar("F", bound=Callable[..., Any])
AS_GIVEN: dict[str, Any] = {
    "ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": [],
}


def named(function: F) -> F:
    """The option that says which cloud is meant."""
    return click.option(
        "--name", help="The cloud's name; needed only when there are several.", metavar="NAME"
    )(function)


def pick(context: click.Context, name: str | None) -> Cloud:
    return clouds.chosen(name or context.obj)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--name", envvar="CAIRN_NAME", metavar="NAME", help="Which cloud (default: cairn).")
@click.pass_context
def cairn(context: click.Context, name: str | None) -> None:
    """An OpenStack-compatible private cloud, small enough to understand.

    \b
    ./cairn up                        build a cloud here and boot a first server
    ./cairn openstack server list     use it
    ./cairn down                      take it away again
    """
    context.obj = name


@cairn.command()
@named
@click.option("--lab", is_flag=True, help="In lab nodes, even if this machine runs systemd.")
@click.option("--topology", type=click.Choice(list(topology.TOPOLOGIES)), help="Default: allinone.")
@click.option("--answer-file", type=click.Path(path_type=Path), metavar="F",
              help="Set knobs; see: ./cairn answer-file")
@click.option("--demo/--no-demo", default=True, help="Boot a first server at the end (default).")
@click.pass_context
def up(context: click.Context, /, name: str | None, **wish: Any) -> None:
    """Build the cloud, or go on where an earlier run stopped."""
    from cairn.deploy import up as command

    command.run(pick(context, name), command.Wish(**wish), Display())


@cairn.command()
@named
@click.pass_context
def down(context: click.Context, name: str | None) -> None:
    """Take the cloud away, and everything it made here."""
    from cairn.deploy import down as command

    command.run(pick(context, name), Display())


@cairn.command()
@named
@click.pass_context
def status(context: click.Context, name: str | None) -> None:
    """Show nodes, processes, APIs and agents; exit code 1 if any is unwell."""
    from cairn.deploy import status as command
    from cairn.deploy import table

    chosen = pick(context, name)
    result = command.look(chosen, chosen.existing())
    table.show(result)
    sys.exit(0 if result.good else 1)


@cairn.command()
@named
@click.pass_context
def doctor(context: click.Context, name: str | None) -> None:
    """Look for what is wrong, with the machine and with the cloud."""
    from cairn.deploy import doctor as command

    findings = command.look(pick(context, name))
    for finding in findings:
        click.echo(f"{'  ok  ' if finding.good else ' !!!  '} {finding.what}")
    sys.exit(0 if all(finding.good for finding in findings) else 1)


@cairn.command(context_settings=AS_GIVEN)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def openstack(context: click.Context, arguments: tuple[str, ...]) -> None:
    """The OpenStack client, as the cloud's admin (or --os-cloud NAME-demo)."""
    from cairn.deploy import client

    client.become(pick(context, None), arguments)


@cairn.command()
@named
@click.option("--follow/--no-follow", default=True,
              help="Look until the action is over (default), or once.")
@click.argument("server")
@click.argument("action", required=False)
@click.pass_context
def trace(
    context: click.Context, name: str | None, follow: bool, server: str, action: str | None
) -> None:
    """Show each step of what is done to SERVER, while it is done.

    \b
    ./cairn trace first                 the last action
    ./cairn trace first create          the last one of a kind
    ./cairn trace first req-...         that of a request

    SERVER is a name or an id; of one that is gone, its id. Whoever the OS_ variables name sees what
    that user may; without them it is the admin, who sees hosts. Exit code 1 if the action failed.
    """
    from cairn.deploy import trace as command
    from cairn.deploy import waterfall

    compute = command.connect(pick(context, name)).compute
    target = command.choose(compute, server, action)
    traces = command.follow(compute, target) if follow else [command.look(compute, target)]
    sys.exit(1 if waterfall.show(traces).failed else 0)


@cairn.command()
@named
@click.pass_context
def env(context: click.Context, name: str | None) -> None:
    """Print the admin's settings for any client: eval "$(./cairn env)"."""
    from cairn.deploy import credentials

    entry = credentials.admin(pick(context, name))
    click.echo(credentials.exports(entry), nl=False)


@cairn.command(context_settings={**AS_GIVEN, "help_option_names": ["--help"]})
@named
@click.argument("node")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def ssh(context: click.Context, name: str | None, node: str, words: tuple[str, ...]) -> None:
    """A root shell on NODE, or run a command there."""
    from cairn.deploy import machine
    from cairn.deploy import node as nodes

    machine.require_root()
    chosen = pick(context, name)
    nodes.enter(chosen, chosen.existing(), node, words)


@cairn.command("answer-file")
@click.argument("file", required=False, type=click.Path(path_type=Path))
def answer_file(file: Path | None) -> None:
    """Write every knob with its meaning and default to FILE, or print it."""
    from cairn.deploy import answers, knobs

    text = answers.render(knobs.every())
    if file is None:
        click.echo(text, nl=False)
    else:
        answers.create(file, text)
        click.echo(f"{file} written; then:  ./cairn up --answer-file {file}")


@cairn.command(context_settings={**AS_GIVEN, "help_option_names": ["-h", "--help"]})
@click.option("--fast", is_flag=True, help="Linters and the tests that need no nodes.")
@click.argument("what", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def test(context: click.Context, fast: bool, what: tuple[str, ...]) -> None:
    """Test Cairn itself: everything, or stages, or paths as for pytest.

    \b
    ./cairn test                  all of it but acceptance
    ./cairn test --fast           under two minutes
    ./cairn test molecule nova    one role
    ./cairn test unit -k answer   as pytest would
    ./cairn test acceptance fuzz  100,000 calls at a cloud of its own
    """
    from cairn.deploy import suite

    if context.obj and suite.ACCEPTANCE in what:
        what = (*what, "--name", context.obj)
    suite.run(suite.understand(what, fast), lambda line: click.echo(line))


def main() -> None:
    try:
        cairn(prog_name="cairn", standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.UsageError as wrong:
        wrong.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("\ncairn: stopped; run the same again to go on", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
    except CommandError as error:
        click.echo(f"\ncairn: {error.message}", err=True)
        if error.hint:
            click.echo(f"\n{error.hint}", err=True)
        sys.exit(error.code)
