"""The command diff, over images of a fake engine."""

from __future__ import annotations

import json

import pytest

from tests.unit.test_cli import Line, line

__all__ = ["line"]


@pytest.fixture
def images(line: Line) -> Line:
    """An engine with two images."""
    line.engine.add_image("old:1", size=1_000_000)
    line.engine.add_image("new:1", size=3_500_000)
    return line


def test_two_images_are_compared(images: Line) -> None:
    code, out, err = images.run("diff", "old:1", "new:1")
    assert (code, err) == (0, "")
    assert out.splitlines()[2] == "size +2.5 MB"
    (found,) = json.loads(images.run("diff", "old:1", "new:1", "--json")[1])
    assert (found["schema"], found["old"]["name"], found["size"]) == (1, "old:1", 2_500_000)


def test_without_a_second_name_the_image_of_each_service_or_of_one_is_taken(images: Line) -> None:
    for service in ("web", "worker"):
        images.engine.add_image(f"{images.folder.name}-{service}:1.2.0".lower())
    names = [each["new"]["name"] for each in json.loads(images.run("diff", "old:1", "--json")[1])]
    assert [name.rpartition("-")[2] for name in names] == ["web:1.2.0", "worker:1.2.0"]
    one = json.loads(images.run("diff", "old:1", "--json", "-s", "worker")[1])
    assert [each["new"]["name"] for each in one] == names[1:]
    assert len(json.loads(images.run("diff", "old:1", "--json", "-r", "small")[1])) == 1
    other = images.run("diff", "old:1", "--json", "-p", "other")
    assert "2.0.0" in other[2], "of another project, whose image is not there"


def test_without_a_release_to_compare_with_both_have_to_be_named(images: Line) -> None:
    code, _, err = images.run("diff")
    assert code == 2
    assert "there is no last release to compare with" in err
    assert images.run("diff", "--gitflow") != (code, "", err), "there is no repository"


def test_an_image_that_is_nowhere_is_named_without_a_trace_unless_it_is_asked_for(images: Line) -> None:
    code, _, err = images.run("diff", "old:1", "none:1")
    assert code == 2
    assert "there is no image none:1" in err
    assert "Traceback" not in err
    assert "Traceback" in images.run("diff", "old:1", "none:1", "--debug")[2]


def test_packages_of_dpkg_are_counted_as_a_bill_counts_them(images: Line) -> None:
    held = b"Package: bash\nStatus: hold ok installed\nVersion: 5\nArchitecture: amd64\n"
    images.engine.contents["/var/lib/dpkg/status"] = held
    images.engine.contents["/var/lib/dpkg/status.d/base"] = b"Package: base-files\nVersion: 13\n"
    images.engine.contents["/opt/x-1.dist-info/METADATA"] = b"Name: x\nVersion: 1\n"
    (found,) = json.loads(images.run("diff", "old:1", "new:1", "--json")[1])
    assert found["new"]["packages"] == 2, "those of the distribution"
