"""Image references: what the engine accepts, and what is said about the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import EXIT_BAD_INPUT, UsageError
from pipeline.reference import ImageReference

DIGEST = "sha256:" + "0123456789abcdef" * 4
REGISTRIES = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,4})?\.[A-Za-z]{2,5}(:[1-9][0-9]{0,4})?", fullmatch=True)
COMPONENTS = st.from_regex(r"[a-z0-9]{1,6}((\.|_|__|-{1,3})[a-z0-9]{1,6}){0,2}", fullmatch=True)
TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True)
DIGESTS = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)
REFERENCES = st.builds(
    ImageReference,
    registry=REGISTRIES | st.sampled_from(["docker.io", "localhost", "localhost:5000", "[::1]:5000"]),
    repository=st.lists(COMPONENTS, min_size=2, max_size=4).map("/".join),
    tag=TAGS | st.just(""),
    digest=DIGESTS | st.just(""),
)


@pytest.mark.parametrize(
    ("text", "full", "familiar"),
    [
        ("debian", "docker.io/library/debian", "debian"),
        ("debian:12", "docker.io/library/debian:12", "debian:12"),
        ("docker.io/debian:12", "docker.io/library/debian:12", "debian:12"),
        ("index.docker.io/library/debian", "docker.io/library/debian", "debian"),
        ("softasap/base:1.0", "docker.io/softasap/base:1.0", "softasap/base:1.0"),
        ("library/a/b", "docker.io/library/a/b", "docker.io/library/a/b"),
        ("docker.io/a.b/c", "docker.io/a.b/c", "docker.io/a.b/c"),
        ("localhost/a", "localhost/a", "localhost/a"),
        ("localhost:5000/a:b", "localhost:5000/a:b", "localhost:5000/a:b"),
        ("localhost:5000", "docker.io/library/localhost:5000", "localhost:5000"),
        ("[::1]:5000/a", "[::1]:5000/a", "[::1]:5000/a"),
        ("Registry.Example/a__b---c.d_e", "Registry.Example/a__b---c.d_e", "Registry.Example/a__b---c.d_e"),
        (f"a:1@{DIGEST}", f"docker.io/library/a:1@{DIGEST}", f"a:1@{DIGEST}"),
    ],
)
def test_a_reference_is_read_as_the_engine_reads_it(text: str, full: str, familiar: str) -> None:
    reference = ImageReference.parse(text)
    assert (str(reference), reference.familiar) == (full, familiar)


@given(REFERENCES)
def test_the_full_form_reads_back_as_the_same_reference(reference: ImageReference) -> None:
    assert ImageReference.parse(str(reference)) == reference


@given(REFERENCES)
def test_the_familiar_form_reads_back_as_the_same_reference(reference: ImageReference) -> None:
    assert ImageReference.parse(reference.familiar) == reference


@pytest.mark.parametrize(
    ("text", "part", "hint"),
    [
        ("", "an image reference is empty", "debian:12"),
        ("Debian:12", "the repository 'Debian'", "write debian:12"),
        ("Softasap/Base:RC", "the repository 'Softasap/Base'", "write softasap/base:RC"),
        ("https://registry.example/a", "the registry 'https:'", "write registry.example/a"),
        (" debian", "the repository ' debian'", "write debian"),
        ("a b", "the repository 'a b'", ""),
        ("a//b", "the repository 'a//b'", ""),
        ("a___b", "the repository 'a___b'", ""),
        ("a..b", "the repository 'a..b'", ""),
        ("-a", "the repository '-a'", ""),
        ("a/", "the repository 'a/'", ""),
        ("x" * 250 + "/abcdef", "the name", ""),
        ("a" * 64, "this would be an image id", ""),
        ("a:", "nothing follows the :", "take the : away"),
        ("a@", "nothing follows the @", "take the @ away"),
        ("a:.b", "the tag '.b'", ""),
        ("a:b+c", "the tag 'b+c'", ""),
        ("a:" + "b" * 129, "the tag", ""),
        ("a:b:c", "the tag", ""),
        ("a\n", "the repository", "write a"),
        ("re gistry:80/a", "the registry 're gistry:80'", ""),
        ("-r.x/a", "the registry '-r.x'", ""),
        ("a@sha256:123", "the digest 'sha256:123'", ""),
        (f"a@{DIGEST.upper()}", "the digest", f"write a@{DIGEST}"),
        (f"a@{DIGEST}@{DIGEST}", "the digest", ""),
    ],
)
def test_a_refused_reference_names_the_part_that_is_wrong(text: str, part: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        ImageReference.parse(text)
    assert part in caught.value.message
    assert hint in caught.value.hint
    assert bool(hint) == bool(caught.value.hint)
    assert caught.value.exit_code == EXIT_BAD_INPUT


def test_another_tag_leaves_the_digest_behind() -> None:
    assert str(ImageReference.parse(f"a/b:1@{DIGEST}").with_tag("2")) == "docker.io/a/b:2"


def test_a_tag_that_is_not_valid_is_refused_when_it_is_set() -> None:
    with pytest.raises(UsageError, match="the tag 'a/b'"):
        ImageReference.parse("debian").with_tag("a/b")


@given(TAGS.filter(lambda tag: len(tag) <= 128))
def test_every_tag_of_the_grammar_is_accepted(tag: str) -> None:
    assert ImageReference.parse("debian").with_tag(tag).tag == tag
