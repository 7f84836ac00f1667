# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is listed, what of it is missing elsewhere, and in which order it is copied."""

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.okd.registry.plugins.module_utils._migrate import content
from ansible_collections.okd.registry.plugins.module_utils._migrate.content import Files, Other
from hypothesis import given
from hypothesis import strategies as st

LINK = "docker/registry/v2/repositories/test/{}/_manifests/tags/1/current/link"


def blob(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"docker/registry/v2/blobs/sha256/{digest[:2]}/{digest}/data"


names = st.sampled_from([blob(str(n)) for n in range(8)])
links = st.sampled_from([LINK.format(n) for n in "abcdef"])
others = st.builds(Other, st.sampled_from(["0" * 64, "1" * 64]), st.just(71), st.integers(0, 5))
files = st.builds(Files, st.dictionaries(names, st.integers(1, 9)), st.dictionaries(links, others))


def test_a_listing_is_read() -> None:
    link, data = LINK.format("a"), blob("x")
    text = f"docker\nlost+found\nphotos\n\n--\n12 5 ./{data}\n71 6 ./{link}\n--\n{'a' * 64}  ./{link}\n"
    found = content.parse(text)
    assert found.blobs == {data: 12}
    assert found.others == {link: Other("a" * 64, 71, 6)}
    assert found.top == ("photos",)
    assert found.repositories() == {"test/a"}


def test_an_empty_volume_is_read() -> None:
    assert content.parse("\n--\n--\n") == Files()


def test_a_listing_that_broke_off_is_no_listing() -> None:
    with pytest.raises(ValueError, match="broke off"):
        content.parse("docker\n\n--\n12 5 ./x")


@pytest.mark.parametrize("name", ["docker/a b", "docker/$(reboot)", "docker/../x", "docker/a;b", "docker/*"])
def test_a_name_that_no_registry_makes_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        content.parse(f"docker\n\n--\n12 5 ./{name}\n--\n")


@given(st.lists(files, min_size=1, max_size=3))
def test_all_of_every_source_is_in_the_union(sources: list[Files]) -> None:
    union = content.union(sources)
    for source in sources:
        assert source.blobs.keys() <= union.files.blobs.keys()
        for path, other in source.others.items():
            assert union.files.others[path].changed >= other.changed
    for path, number in union.at.items():
        assert path in sources[number].blobs or sources[number].others[path] == union.files.others[path]


@given(files, files)
def test_what_lacks_is_what_copying_brings(source: Files, target: Files) -> None:
    todo = content.lacking(source, target)
    after = Files({**target.blobs, **source.blobs}, {**target.others, **source.others})
    assert content.lacking(source, after) == []
    kinds = [content.digest_of(path) is None for path in todo]
    assert kinds == sorted(kinds), "a link before its blob"
    for path in {*source.blobs, *source.others} - set(todo):
        assert target.blobs.get(path) == source.blobs.get(path)


@given(files, files)
def test_nothing_of_a_copy_is_foreign(source: Files, target: Files) -> None:
    assert content.foreign(source, source) == []
    strange = set(content.foreign(source, target))
    assert strange >= {*target.blobs, *target.others} - {*source.blobs, *source.others}


@given(files, st.integers(1, 12), st.integers(1, 4))
def test_batches_have_everything_once_in_its_order(found: Files, most: int, count: int) -> None:
    paths = content.lacking(found, Files())
    groups = list(content.batches(paths, found, most=most, count=count))
    assert [path for group in groups for path in group] == paths
    assert all(len(g) <= count and (len(g) == 1 or sum(map(found.size, g)) <= most) for g in groups)


def test_a_digest_that_is_not_the_name_is_found() -> None:
    right, wrong = blob("x"), blob("y")
    digest = hashlib.sha256(b"x").hexdigest()
    assert content.mismatched(f"{digest}  ./{right}\n{digest}  ./{wrong}\n") == ([right], [wrong])


def test_what_is_verified_is_not_verified_again() -> None:
    found = Files({blob("x"): 1, blob("y"): 1})
    assert content.unverified(found, [hashlib.sha256(b"x").hexdigest()]) == [blob("y")]
