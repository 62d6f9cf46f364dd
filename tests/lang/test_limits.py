"""No template fills the memory or runs on, whatever it computes; and ordinary ones are left alone."""

from __future__ import annotations

import pytest

from forgather.config import ConfigEnvironment
from forgather.errors import TemplateError

NESTED = (
    "-- set ns = namespace(x=[1])\n-- for i in range(100)\n-- set ns.x = [ns.x, ns.x]\n-- endfor\n"
)


@pytest.mark.parametrize(
    "text",
    [
        "{{ ('x' * 100000).join(['a'] * 3000) }}",
        "{{ (['a'] * 3000) | join('x' * 100000) }}",
        "{{ range(99999) | map('string') | join('x' * 100000) }}",
        "{{ ('x' * 100000).replace('x', 'y' * 30000) }}",
        "{{ ('x' * 100000) | replace('x', 'y' * 30000) }}",
        "{{ '{:>2000000000}'.format(1) }}",
        "{{ '{:>{w}}'.format(1, w=2000000000) }}",
        "{{ '%099999999d' % 1 }}",
        "{{ '%099999999d' | format(1) }}",
        "{{ '%(a)99999999d' | format(a=1) }}",
        "{{ 'x'.ljust(10 ** 12) }}",
        "{{ 3 | round(-999999999) }}",
        "{{ 2 ** (2 ** 40) }}",
        "{{ [1] * 10 ** 9 }}",
        NESTED + "== ns.x",
        NESTED + "== ns.x | toyaml",
        NESTED + "== ns.x | tojson",
        NESTED + "== ns.x | string",
        NESTED + "== 'a' ~ ns.x",
        NESTED + "== repr(ns.x)",
        "-- for a in range(9999)\n-- for b in range(9999)\n-- endfor\n-- endfor\n",
    ],
)
def test_too_much_work_is_refused(text: str) -> None:
    with pytest.raises(TemplateError) as caught:
        ConfigEnvironment([]).preprocess_from_string(text)
    assert caught.value.code == "FG121", caught.value.render()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'{:,} 1234567'.format(1234567)", "1,234,567 1234567"),
        ("'step 1234567: %s' | format(1234567)", "step 1234567: 1234567"),
        ("'at 123456 %s' % 7654321", "at 123456 7654321"),
        ("1234567 | string", "1234567"),
        ("[1, 1234567] | join(', ')", "1, 1234567"),
        ("'a-b' | replace('-', '_')", "a_b"),
        ("range(50000) | map('string') | join(',') | length", "288889"),
        ("12.345 | round(2)", "12.35"),
        ("[[1, 2], {'a': 3}]", "[[1, 2], {'a': 3}]"),
    ],
)
def test_ordinary_work_is_not(expression: str, expected: str) -> None:
    assert ConfigEnvironment([]).preprocess_from_string(f"{{{{ {expression} }}}}") == expected
