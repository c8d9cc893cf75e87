"""Holds the plan against what exists: nothing it names is absent, nothing that exists is named by no testpoint."""

from __future__ import annotations

from collections.abc import Mapping

from verif.flow.plan.catalogue import Catalogue
from verif.flow.plan.items import Item, near
from verif.flow.plan.load import Plan, Text


def check(plan: Plan, known: Catalogue) -> list[str]:
    """Everything that is wrong: lines ``file:line: words``, empty when all is well."""
    return [
        *_absent(plan, known),
        *_unnamed_tests(plan, known),
        *_unnamed_coverage(plan, known),
        *_chapters(plan, known),
    ]


def check_dumped(groups: Mapping[str, Mapping[str, object]], known: Catalogue) -> list[str]:
    """Covergroups that runs have dumped and no module declares: the plan cannot know them."""
    findings = []
    for group, points in groups.items():
        if group not in known.groups:
            findings.append(
                f"covergroup {group} was dumped by a run and is declared nowhere: give its module a covergroups()"
            )
        else:
            extra = sorted(set(points) - set(known.groups[group]))
            findings += [
                f"{known.group_places[group]}: covergroup {group}: a run dumped the point {p}, which is not declared"
                for p in extra
            ]
    return findings


def _items(plan: Plan) -> list[tuple[str, Text]]:
    return [(point.name.value, text) for point in plan.testpoints for text in point.coverage]


def _absent(plan: Plan, known: Catalogue) -> list[str]:
    findings = []
    for point in plan.testpoints:
        for text in point.tests:
            if text.value not in known.tests:
                findings.append(
                    f"{text.where}: testpoint {point.name}: no test {text.value!r}{near(text.value, known.tests)}"
                )
    for name, text in _items(plan):
        try:
            reason = Item.parse(text.value).missing(known)
        except ValueError as error:
            reason = str(error)
        if reason:
            findings.append(f"{text.where}: testpoint {name}: {reason}")
    return findings


def _unnamed_tests(plan: Plan, known: Catalogue) -> list[str]:
    named = {text.value for point in plan.testpoints for text in point.tests}
    return [
        f"{test.file}:{test.line}: test {test.id} is named by no testpoint of verif/testplan"
        for test in known.tests.values()
        if test.id not in named
    ]


def _unnamed_coverage(plan: Plan, known: Catalogue) -> list[str]:
    points: set[tuple[str, str]] = set()
    labels: set[str] = set()
    modules: set[str] = set()
    for _, text in _items(plan):
        try:
            item = Item.parse(text.value)
        except ValueError:
            continue
        if item.kind == "group":
            points.update(item.points(known))
        elif item.kind == "sva" and item.name != "*":  # which would name those to come, too
            labels.update(item.properties(known))
        elif item.kind == "code":
            modules.update(item.modules(known))
    findings = [
        f"{place.where}: a cover property without a name: the plan cannot refer to it"
        for place in known.unnamed_properties
    ]
    findings += [
        f"{place.where}: cover property {name} is named by no testpoint"
        for name, place in known.properties.items()
        if name not in labels
    ]
    findings += [
        f"{place.where}: module {name} is named by no testpoint"
        for name, place in known.modules.items()
        if name not in modules
    ]
    for group, members in known.groups.items():
        left = [point for point in members if (group, point) not in points]
        if len(left) == len(members):
            findings.append(f"{known.group_places[group]}: covergroup {group} is named by no testpoint")
        else:
            findings += [
                f"{known.group_places[group]}: point {group}.{point} is named by no testpoint" for point in left
            ]
    return findings


def _chapters(plan: Plan, known: Catalogue) -> list[str]:
    findings = []
    named = {point.doc.value for point in plan.testpoints}
    for doc in [*(point.doc for point in plan.testpoints), *plan.background]:
        if doc.value not in known.chapters:
            findings.append(
                f"{doc.where}: docs/ has no chapter {doc.value!r} (page.md#anchor of a heading of level 1 or 2)"
            )
    background = {text.value for text in plan.background}
    for text in plan.background:
        if text.value in named:
            findings.append(f"{text.where}: chapter {text.value} is background, yet a testpoint names it")
    for name, place in known.chapters.items():
        if name not in named | background:
            findings.append(f"{place.where}: chapter {name} is named by no testpoint, nor as background")
    return findings
