"""The verbs of the pipeline, one module each, and the one place where their order stands."""

from __future__ import annotations

from pipeline.runner import Entry
from stages import attest, base, commit, conductor, initialize, provision, push, rewrite, share, tag, target, verify

CATALOGUE: tuple[Entry, ...] = (
    Entry("initialize", initialize.run),
    Entry("base", base.run),
    Entry("conductor", conductor.run),
    Entry("target", target.run, per_role=True),
    Entry("provision", provision.run, per_role=True),
    Entry("commit", commit.run, per_role=True),
    Entry("commit", commit.finish),
    Entry("rewrite", rewrite.run),
    Entry("verify", verify.run),
    Entry("tag", tag.run),
    Entry("share", share.run, after_all=True),
    Entry("push", push.run, after_all=True),
)


def attesting(attester: attest.Attester) -> Entry:
    """What comes after the push of a run that attaches something to its images."""
    return Entry("attest", attest.by(attester), after_all=True)
