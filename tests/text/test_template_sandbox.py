"""A stranger's template: what transformers offers works, and nothing it does can hang, flood or escape."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from gemma_mlx.text.template_sandbox import Rendering, render_template


def _growing(start: str, step: str) -> str:
    """A template whose value grows in each of 99 steps."""
    loop = "{% for i in range(99) %}{% set ns.x = " + step + " %}{% endfor %}"
    return "{% set ns = namespace(x=" + start + ") %}" + loop


HOSTILE = {
    "a range of a billion": "{% for i in range(10**9) %}x{% endfor %}",
    "loops in loops": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "a long text by *": "{{ 'a' * 10**10 }}",
    "a long list by *": "{{ [0] * 10**10 }}",
    "a number by **": "{{ 10 ** (10 ** 8) }}",
    "numbers by *": _growing("10 ** 900", "ns.x * ns.x"),
    "doubling by ~": _growing("'aa'", "ns.x ~ ns.x"),
    "doubling by +": _growing("[1]", "ns.x + ns.x"),
    "a wide format": "{{ '{:>2000000000}'.format(1) }}",
    "a wide %": "{{ '%2000000000d' % 1 }}",
    "a wide center": "{{ 'a'.center(2000000000) }}",
    "a wide filter": "{{ 'a' | center(2000000000) }}",
    "growing by replace": "{{ ('a' * 1000000).replace('a', 'b' * 1000) | length }}",
    "much output": "{% for i in range(99999) %}{{ 'abcdefghij' * 100 }}{% endfor %}",
    "lipsum": "{{ lipsum(n=10000000) }}",
}

WRONG = {
    "syntax": "{% for %}",
    "an unknown tag": "{% nonsense %}",
    "undefined": "{{ nothing.at.all }}",
    "division": "{{ 1 / 0 }}",
    "deep nesting": "{{" + "(" * 5000 + ")" * 5000 + "}}",
    "endless recursion": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "other files": "{% include '/etc/passwd' %}",
    "inner attributes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "inner globals": "{{ raise_exception.__globals__['os'] }}",
    "changing messages": "{{ messages.append(1) }}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_template_that_takes_too_much_is_stopped(name: str) -> None:
    (outcome,) = render_template(HOSTILE[name], [{"messages": []}])
    assert outcome.problem == "limits"
    assert outcome.reason and not outcome.text


@pytest.mark.parametrize("name", WRONG)
def test_a_template_that_is_wrong_says_why(name: str) -> None:
    (outcome,) = render_template(WRONG[name], [{"messages": []}])
    assert outcome.problem == "failed"
    assert outcome.reason and not outcome.text


@pytest.mark.parametrize(
    "template", ["{{ ''.__class__ }}", "{{ raise_exception.__globals__ }}", "{{ '{0.__class__}'.format(1) }}"]
)
def test_the_insides_of_python_are_not_shown(template: str) -> None:
    (outcome,) = render_template(template, [{}])
    assert outcome.text == ""


def test_what_transformers_offers_works() -> None:
    template = (
        "{%- for m in messages -%}\n"
        "  {%- if loop.index > 2 -%}{%- break -%}{%- endif -%}\n"
        "  {%- generation -%}[{{ m.content | trim }}]{%- endgeneration -%}\n"
        "{%- endfor %}"
        "{{ {'a': 'é<'} | tojson }}{{ strftime_now('%Y') | length }}{% set ns = namespace(n=1) %}{{ ns.n }}"
        "{{ messages[0]['content'].split('-')[0] }}{{ bos_token }}"
    )
    messages = [{"role": "user", "content": text} for text in (" x-y ", "b", "c")]
    (outcome,) = render_template(template, [{"messages": messages, "bos_token": "<s>"}])
    assert outcome == Rendering('[x-y][b]{"a": "é<"}41 x<s>')


def test_each_conversation_has_its_own_outcome() -> None:
    template = "{% if n == 1 %}{{ raise_exception('not ' ~ n) }}{% endif %}{{ n / (n - 2) }}"
    outcomes = render_template(template, [{"n": 1}, {"n": 2}, {"n": 3}])
    assert [outcome.problem for outcome in outcomes] == ["refused", "failed", ""]
    assert outcomes[0].reason == "not 1"
    assert outcomes[2].text == "3.0"


def test_nothing_is_left_behind() -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    for template in ("x", HOSTILE["loops in loops"], WRONG["division"]):
        render_template(template, [{}])
    assert len(list(Path("/dev/fd").iterdir())) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_it_works_from_other_threads_too() -> None:
    outcomes: list[Rendering] = []
    threads = [
        threading.Thread(target=lambda: outcomes.extend(render_template("{{ 1 + 1 }}", [{}])))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [Rendering("2")] * 4
