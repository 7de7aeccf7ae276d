"""`consent query`: figures in the terminal, as a table, CSV or JSON."""

import asyncio
import sys
from pathlib import Path

import click
import msgspec

from consent.cli import _config, _now, _site, _store, _table, main, settings
from consent.delivery.outline import safe
from consent.errors import NotFound
from consent.records.recount import add_up
from consent.reports.answer import Answer
from consent.reports.answers import open_answers
from consent.reports.figures import told
from consent.reports.named import questions
from consent.reports.question import parse
from consent.reports.subjects import SUBJECTS


@main.command("query")
@click.argument("key", metavar="SITE")
@click.argument("subject", metavar="SUBJECT")
@click.option("--by", multiple=True, help="A time (hour, day, week, month) or a dimension; repeat for more.")
@click.option("--metric", multiple=True, help="A figure; repeat for more.")
@click.option("--filter", "filters", multiple=True, help="dimension:value; repeat for more.")
@click.option("--from", "since", help="From this day or moment on (default: 28 days ago).")
@click.option("--to", "until", help="To the end of this day, or before this moment (default: today).")
@click.option("--limit", help="Rows at most.")
@click.option("--after", help="The `next` of the answer before.")
@click.option("--compare", help="previous, year, DATE..DATE or, for consent, version:N.")
@click.option("--shared", is_flag=True, help="As others may see it: nothing that would say something of few people.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@settings
def query(
    key: str,
    subject: str,
    *,
    by: tuple[str, ...],
    metric: tuple[str, ...],
    filters: tuple[str, ...],
    since: str | None,
    until: str | None,
    limit: str | None,
    after: str | None,
    compare: str | None,
    shared: bool,
    as_csv: bool,
    data: Path | None,
    file: Path | None,
    as_json: bool,
) -> None:
    """Print figures of a site: consent, shown, visits, visitors, pages, services or requests.

    SUBJECT may also be the name of a question that is asked often, such as opt-in-by-day.
    """
    texts: dict[str, str | None] = {"by": ",".join(by), "metrics": ",".join(metric), "shared": "yes" if shared else ""}
    texts |= {"from": since, "to": until, "limit": limit, "after": after, "compare": compare}
    given = [(name, text) for name, text in texts.items() if text] + [("filter", text) for text in filters]
    named = questions().get(subject) if subject not in SUBJECTS else None
    if named is None and subject not in SUBJECTS:
        known = f"Known are: {', '.join(SUBJECTS)}; and the questions {', '.join(questions())}."
        raise NotFound("report", f"There is no report on {subject[:40]!r}.", known)
    if named:
        subject, given = named.subject, named.with_own(given)
    question = parse(subject, given, _now())
    config = _config(file, data)

    async def ask() -> Answer:
        async with _store(config) as db:
            site = await _site(db, key)
            await add_up(db)
            answers = await open_answers(config)
            try:
                return await answers.ask(site, question)
            finally:
                await answers.close()

    answer = asyncio.run(ask())
    if as_json:
        click.echo(_shown(msgspec.json.encode(answer.face()).decode()))
    elif as_csv:
        click.echo(_shown(answer.as_csv()), nl=False)
    else:
        click.echo(_told(answer))


def _shown(text: str) -> str:
    """What a terminal shows steers it nowhere; a file or a pipe gets every byte."""
    return "\n".join(map(safe, text.split("\r\n"))) if sys.stdout.isatty() else text


def _told(answer: Answer) -> str:
    """The answer as people read it: the lines, then the rest and all, then what there is to say of it."""
    metrics = SUBJECTS[answer.subject].metrics
    units = [metrics[name].unit for name in answer.metrics]
    blank = ["–"] * max(0, len(answer.by) - 1)
    rows = [(line.keys, line.values, line.before) for line in answer.lines]
    if answer.rest:
        rows.append((("(the rest)", *blank), answer.rest, None))
    before = answer.before.total if answer.before else None
    rows.append((("(all)", *blank) if answer.by else (), answer.total, before))
    table = []
    for keys, values, earlier in rows:
        figures = [told(values.get(name), unit) for name, unit in zip(answer.metrics, units, strict=True)]
        if before is not None:
            then = earlier or {}
            figures += [told(then.get(name), unit) for name, unit in zip(answer.metrics, units, strict=True)]
        table.append((*(safe(text) or "(unknown)" for text in keys), *figures))
    head = (*answer.by, *answer.metrics, *(f"{name} before" for name in answer.metrics if before is not None))
    said = [_table(head, table), f"{answer.start} to {answer.end}, UTC.", *answer.notes]
    if not answer.complete:
        said.append("Records of before there were counts are still being counted.")
    if answer.hidden:
        said.append(
            f"{answer.hidden:,} {'row is hidden: it' if answer.hidden == 1 else 'rows are hidden: they'} would say"
            f" something of fewer than {answer.threshold} people."
        )
    if answer.next:
        said.append(f"There is more: --after {answer.next}")
    return "\n".join(said)
